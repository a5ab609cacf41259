/** The page's files from the disk: its own, and uPlot's from where npm has put it. */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { constants, gzipSync } from 'node:zlib';
import { type PageFiles, pageFilesOf } from '../http/page-files.ts';

const OWN = fileURLToPath(new URL('./page/', import.meta.url));
const SERVED = /\.(html|css|js|svg)$/;

/** Rejects where they cannot be read. */
export async function readPageFiles(sha256Hex: (text: string) => string): Promise<PageFiles> {
  const { resolve } = createRequire(import.meta.url);
  const names = (await readdir(OWN)).filter((name) => SERVED.test(name));
  const paths = [
    ...names.map((name) => [name, OWN + name] as const),
    ['uplot.js', resolve('uplot/dist/uPlot.iife.min.js')] as const,
  ];
  const texts = await Promise.all(paths.map(async ([name, path]) => [name, await readFile(path, 'utf8')] as const));
  const files = Object.fromEntries(texts);
  const uplotStyle = await readFile(resolve('uplot/dist/uPlot.min.css'), 'utf8');
  // One file less before the first paint.
  return pageFilesOf({ ...files, 'page.css': uplotStyle + files['page.css'] }, sha256Hex, gzipped);
}

const gzipped = (text: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(gzipSync(text, { level: constants.Z_BEST_COMPRESSION }));
