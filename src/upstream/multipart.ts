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

/**
 * Whether the first bytes, or the type, are such that another server may find other parts in them than are found here, or
 * another name of one.
 */
export function isAmbiguous(bytes: Uint8Array, contentType: string, boundary: string): boolean {
  if ((contentType.match(/\bboundary\s*\*?=/gi) ?? []).length !== 1) return true;
  const isCut = bytes.length >= LOOKED_THROUGH;
  const [before, ...pieces] = latin1(bytes.subarray(0, LOOKED_THROUGH)).split(`--${boundary}`);
  const last = isCut ? pieces.pop() : undefined;
  const closing = isCut ? '' : pieces.pop();
  if (!/^(\r\n)?$/.test(before as string) || pieces.some((piece) => isAmbiguousPart(piece))) return true;
  return last === undefined ? !/^--(\r\n)?$/.test(closing ?? '') : isAmbiguousPart(last, true);
}

/** Of what stands behind a boundary. `isCut`: its end may not be there. */
function isAmbiguousPart(piece: string, isCut = false): boolean {
  const blank = piece.indexOf('\r\n\r\n');
  if (blank < 0 && isCut && '--\r\n'.startsWith(piece)) return false;
  const head = blank < 0 ? piece : piece.slice(0, blank);
  // Some servers end a line at a bare CR or LF too, or go on with it where the next one begins with a space.
  if (!(head === '\r' && isCut) && (!head.startsWith('\r\n') || /\r(?!\n|$)|(?<!\r)\n|\n[ \t]/.test(head))) return true;
  if (blank < 0) return !isCut;
  const dispositions = head.match(/\ncontent-disposition\s*:[^\r\n]*/gi) ?? [];
  const names = dispositions[0]?.match(/;\s*name\s*\*?\d*\*?\s*=/gi) ?? [];
  const isPlain = dispositions.length === 1 && /^\ncontent-disposition:/i.test(dispositions[0] as string);
  return !isPlain || names.length !== 1 || names[0]?.includes('*') === true;
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
