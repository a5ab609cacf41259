/** Files that the Worker bundles as their texts, as its own bundler gives them. */
import { readFile } from 'node:fs/promises';

const TEXT = /\.yaml$|\/dashboard\/page\/[^/]+\.(html|css|js|svg)$|\/uplot\/dist\/[^/]+\.(js|css)$/;

/** A plugin for the bundler of the tests. */
export const textFiles = () => ({
  name: 'text-files',
  enforce: 'pre' as const,
  load: async (id: string): Promise<string | undefined> =>
    TEXT.test(id) ? `export default ${JSON.stringify(await readFile(id, 'utf8'))};` : undefined,
});
