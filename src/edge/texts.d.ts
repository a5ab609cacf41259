/** Files that are bundled as their texts (wrangler.toml, `rules`). */
declare module '*.yaml' {
  const text: string;
  export default text;
}
declare module '*.html' {
  const text: string;
  export default text;
}
declare module '*.css' {
  const text: string;
  export default text;
}
declare module '*.svg' {
  const text: string;
  export default text;
}
declare module '*.js' {
  const text: string;
  export default text;
}
