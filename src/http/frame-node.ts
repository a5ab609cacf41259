/** HTTP/1.1's frames for bodies of no known length (RFC 9112, section 7.1). Node's own are four writes a chunk. */

const CRLF = Buffer.from('\r\n');
const LAST_FRAME = '0\r\n\r\n';
/** Bytes up to which copying into one buffer costs less than one more piece to write. */
const MOST_COPIED = 4_096;

/**
 * One frame of all the pieces together, `length` bytes in all, and the end of the body behind it where it is the last.
 * Gives what has to be written, in order: one buffer for what is small.
 */
export function frameOf(pieces: readonly Uint8Array[], length: number, isLast: boolean): readonly Uint8Array[] {
  const end = isLast ? LAST_FRAME : '';
  if (length === 0) return isLast ? [Buffer.from(LAST_FRAME)] : [];
  const head = `${length.toString(16)}\r\n`;
  if (length > MOST_COPIED) return [Buffer.from(head), ...pieces, isLast ? Buffer.from(`\r\n${LAST_FRAME}`) : CRLF];
  const frame = Buffer.allocUnsafe(head.length + length + CRLF.length + end.length);
  let at = frame.write(head, 0, 'latin1');
  for (const piece of pieces) {
    frame.set(piece, at);
    at += piece.length;
  }
  frame.write(`\r\n${end}`, at, 'latin1');
  return [frame];
}
