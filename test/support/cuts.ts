/** Bytes in pieces, cut wherever a network might cut them. */
import * as fc from 'fast-check';

/** Places to cut at, taken modulo the length, so that one list fits any bytes. */
export const anyCuts = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.nat({ max: 100_000 }), { maxLength: 30 }) },
  { weight: 1, arbitrary: fc.constant('every byte' as const) },
);
export type Cuts = readonly number[] | 'every byte';

/** Each piece in memory of its own that is overwritten once `use` has returned, as platforms do with their buffers. */
export function inPieces(bytes: Uint8Array, cuts: Cuts, use: (piece: Uint8Array) => void): void {
  const places = cuts === 'every byte' ? bytes.keys() : cuts.map((cut) => cut % (bytes.length + 1));
  const sorted = [...new Set([0, ...places, bytes.length])].sort((a, b) => a - b);
  for (const [i, start] of sorted.slice(0, -1).entries()) {
    const piece = bytes.slice(start, sorted[i + 1]);
    use(piece);
    piece.fill(0x21);
  }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
