/** Finds a short field in the first bytes of a multipart body (RFC 7578), so that the rest can go on as it comes. */

/** Where a field's value stands, in bytes. */
export interface Field {
  value: string;
  start: number;
  end: number;
}

/** How far into a body a field is looked for. */
export const LOOKED_THROUGH = 64 * 1024;

/** The boundary that a `content-type` names; null where it is no multipart. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return null;
  return parametersOf(contentType).get('boundary') ?? null;
}

/**
 * The field of this name that is no file; `more` where the bytes so far do not tell; null where there is none as far as
 * it is looked for.
 */
export function findField(bytes: Uint8Array, boundary: string, name: string): Field | 'more' | null {
  const wanting = bytes.length < LOOKED_THROUGH ? 'more' : null;
  // Latin-1: a character for each byte, so that places in the text are places in the bytes.
  const text = latin1(bytes.subarray(0, LOOKED_THROUGH));
  const delimiter = `--${boundary}`;
  let at = text.startsWith(delimiter) ? 0 : text.indexOf(`\r\n${delimiter}`) + 2;
  if (at === 1) return wanting;
  for (;;) {
    at += delimiter.length;
    if (text.startsWith('--', at)) return null;
    const head = text.indexOf('\r\n\r\n', at);
    if (head < 0) return wanting;
    const start = head + 4;
    // A part that is empty ends at the line end of its own headers.
    const end = text.indexOf(`\r\n${delimiter}`, head + 2);
    if (end < 0) return wanting;
    const disposition = /\r\ncontent-disposition:([^\r\n]*)/i.exec(text.slice(at, head + 2))?.[1] ?? '';
    const parameters = parametersOf(disposition);
    if (parameters.get('name') === name && !parameters.has('filename')) {
      const value = bytes.subarray(start, Math.max(start, end));
      return { value: new TextDecoder().decode(value), start, end: Math.max(start, end) };
    }
    at = end + 2;
  }
}

/** Whether the first bytes, or the type, say the same in two ways of which other servers may take the other one. */
export function isAmbiguous(bytes: Uint8Array, contentType: string): boolean {
  if ((contentType.match(/\bboundary\s*\*?=/gi) ?? []).length !== 1) return true;
  const dispositions = latin1(bytes.subarray(0, LOOKED_THROUGH)).matchAll(/content-disposition:([^\r\n]*)/gi);
  return [...dispositions].some(([, line]) => {
    const names = (line as string).match(/;\s*name\s*\*?\d*\*?\s*=/gi) ?? [];
    return names.length !== 1 || names[0]?.includes('*') === true;
  });
}

/** The parameters behind a header's value, read one after the other: what is inside quotes is no parameter. */
function parametersOf(header: string): Map<string, string> {
  const found = new Map<string, string>();
  const parameter = /;\s*([^\s=;]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))/g;
  for (const [, name, quoted, bare] of header.matchAll(parameter)) {
    const key = (name as string).toLowerCase();
    if (!found.has(key)) found.set(key, quoted?.replace(/\\(["\\])/g, '$1') ?? (bare as string).trim());
  }
  return found;
}

const CHUNK = 8_192;

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}
