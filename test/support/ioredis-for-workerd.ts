/** ioredis as one ES module: as the tests of the workerd pool load CommonJS, file by file, its debug module fails. */
import { isBuiltin } from 'node:module';
import { build } from 'esbuild';

const NAME = 'ioredis';
const OWN = '\0ioredis-for-workerd';

/** A plugin for the bundler of the tests. */
export function ioredisForWorkerd() {
  return {
    name: 'ioredis-for-workerd',
    enforce: 'pre' as const,
    resolveId: (id: string): string | undefined => (id === NAME ? OWN : undefined),
    load: async (id: string): Promise<string | undefined> => (id === OWN ? await bundled() : undefined),
  };
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `export { Redis } from '${NAME}';`, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    mainFields: ['main'],
    plugins: [
      {
        name: 'built-in modules',
        setup({ onResolve, onLoad }) {
          // What is required is had by an import, which workerd knows.
          onResolve({ filter: /.*/ }, ({ path, kind }) => {
            if (!isBuiltin(path)) return undefined;
            const full = path.startsWith('node:') ? path : `node:${path}`;
            return kind === 'require-call' ? { path: full, namespace: 'required' } : { path: full, external: true };
          });
          onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
            contents: `import whole from '${path}'; module.exports = whole;`,
          }));
        },
      },
    ],
  });
  return (outputFiles[0] as { text: string }).text;
}
