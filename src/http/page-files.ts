/** The files that make up the dashboard's page, as a platform hands them in. */

export interface PageFile {
  type: string;
  text: string;
  /** Its own for each content, in quotes. */
  etag: string;
  /** The text gzipped; null where the platform does that by itself. */
  gzip: Uint8Array<ArrayBuffer> | null;
}

/** By the name behind `/dashboard/`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** The page for those who are signed in, the one for those who are not, and the one for who has taken a wrong turn. */
export const PAGE = 'index.html';
export const SIGN_IN = 'sign-in.html';
export const NOT_FOUND = 'not-found.html';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** `files`: texts by name. */
export function pageFilesOf(
  files: Readonly<Record<string, string>>,
  sha256Hex: (text: string) => string,
  gzip: ((text: string) => Uint8Array<ArrayBuffer>) | null,
): PageFiles {
  return new Map(
    Object.entries(files).map(([name, text]) => [
      name,
      {
        type: TYPES[name.split('.').at(-1) as string] ?? 'text/plain; charset=utf-8',
        text,
        etag: `"${sha256Hex(text).slice(0, 20)}"`,
        gzip: gzip?.(text) ?? null,
      },
    ]),
  );
}
