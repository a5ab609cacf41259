/**
 * The dashboard's page, bundled as texts (wrangler.toml, `rules`) but for uPlot, which is a static asset. Cloudflare compresses what it
 * sends by itself.
 */
import uplotStyle from '../../node_modules/uplot/dist/uPlot.min.css';
import charts from '../dashboard/page/charts.js';
import decision from '../dashboard/page/decision.js';
import dom from '../dashboard/page/dom.js';
import format from '../dashboard/page/format.js';
import index from '../dashboard/page/index.html';
import map from '../dashboard/page/map.js';
import mark from '../dashboard/page/mark.svg';
import notFound from '../dashboard/page/not-found.html';
import style from '../dashboard/page/page.css';
import page from '../dashboard/page/page.js';
import signIn from '../dashboard/page/sign-in.html';
import signInScript from '../dashboard/page/sign-in.js';
import state from '../dashboard/page/state.js';
import stream from '../dashboard/page/stream.js';
import tables from '../dashboard/page/tables.js';
import theme from '../dashboard/page/theme.js';
import tiles from '../dashboard/page/tiles.js';
import { type PageFiles, pageFilesOf } from '../http/page-files.ts';

/** Static assets that are deployed with the Worker: uPlot's folder. */
export interface Assets {
  fetch(url: string): Promise<Response>;
}

/** Gives the page, read once an isolate. Without `assets` its charts stay empty, and say why. */
export function bundledPage(assets: Assets | null, sha256Hex: (text: string) => string): () => Promise<PageFiles> {
  let files: PageFiles | undefined;
  return async () => {
    // Two requests may both read it: none may wait for what belongs to another.
    files ??= filesWith(await uplotFrom(assets), sha256Hex);
    return files;
  };
}

async function uplotFrom(assets: Assets | null): Promise<string | null> {
  if (!assets) return null;
  const response = await assets.fetch('https://assets.invalid/uPlot.iife.min.js');
  return response.ok ? await response.text() : null;
}

const filesWith = (uplot: string | null, sha256Hex: (text: string) => string): PageFiles =>
  pageFilesOf(
    {
      'charts.js': charts,
      'decision.js': decision,
      'dom.js': dom,
      'format.js': format,
      'index.html': index,
      'map.js': map,
      'mark.svg': mark,
      'not-found.html': notFound,
      'page.css': uplotStyle + style,
      'page.js': page,
      'sign-in.html': signIn,
      'sign-in.js': signInScript,
      'state.js': state,
      'stream.js': stream,
      'tables.js': tables,
      'theme.js': theme,
      'tiles.js': tiles,
      ...(uplot === null ? {} : { 'uplot.js': uplot }),
    },
    sha256Hex,
    null,
  );
