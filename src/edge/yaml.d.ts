/** A YAML file that is imported is bundled as its text (wrangler.toml, `rules`). */
declare module '*.yaml' {
  const text: string;
  export default text;
}
