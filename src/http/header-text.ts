/** Text that is more than ASCII in headers, which hold bytes: percent-encoded on the way out, read either way. */

/** The text with everything but printable ASCII percent-encoded, so that it can always be sent. */
export const encodeHeaderText = (text: string): string =>
  text.toWellFormed().replace(/[^\x20-\x7e]/gu, encodeURIComponent);

/** The text that was meant: percent-encoded, or UTF-8 that HTTP has read as Latin-1. */
export function decodeHeaderText(header: string): string {
  try {
    if (header.includes('%')) return decodeURIComponent(header);
    if (/^[\0-\xff]*$/.test(header)) {
      return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(header, (char) => char.charCodeAt(0)));
    }
  } catch {
    // Not encoded, then.
  }
  return header;
}
