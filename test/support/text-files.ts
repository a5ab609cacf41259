/** YAML files as their text, as the Worker's own bundler gives them. */
import { readFile } from 'node:fs/promises';

/** A plugin for the bundler of the tests. */
export const textFiles = () => ({
  name: 'text-files',
  enforce: 'pre' as const,
  load: async (id: string): Promise<string | undefined> =>
    id.endsWith('.yaml') ? `export default ${JSON.stringify(await readFile(id, 'utf8'))};` : undefined,
});
