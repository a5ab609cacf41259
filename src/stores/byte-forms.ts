/** How numbers, texts and vectors look as bytes: each in the shortest of a few forms out of which it comes back exactly as it was. */

/** What a number begins with; a smaller first byte is the number itself, or with the next one a little more. */
export const INTEGER_13 = 0xd0;
export const NULL = 0xf0;
export const INTEGER_16 = 0xf1;
export const INTEGER_32 = 0xf2;
export const INTEGER_48 = 0xf3;
export const FLOAT_32 = 0xf4;
export const FLOAT_64 = 0xf5;
export const LONGEST_NUMBER = 9;
export const MOST_13 = INTEGER_13 + 256 * (NULL - INTEGER_13);

/** What a symbol begins with where the text has no number. */
export const WRITTEN_OUT = 0;

/** Features have four decimals: as whole ten-thousandths they take two bytes instead of eight. */
export const SCALE = 10_000;
export const MOST_SCALED = 32_767;
export const MOST_FEATURE = 16_383;
/** What a feature of two bytes begins with at least. */
export const LONG_FEATURE = 0x80;
export const MOST_SHORT_FEATURE = 63;
/** Stands for −0, which rounding gives and which is no whole number. */
export const MINUS_ZERO = 0x7f;

/** What an id as Conduit makes them begins with, instead of a text's length. */
export const OWN_ID = 0xff;
export const OWN_ID_PREFIX = 'dec_';
export const OWN_ID_BYTES = 16;
export const OWN_ID_LENGTH = OWN_ID_PREFIX.length + 2 * OWN_ID_BYTES;

/** How the units of a text are written; stands in the lowest bits of its header. */
export const NARROW = 0;
export const WIDE = 1;
/** Four characters of the base64url alphabet in three bytes: what providers and programs make up names of. */
export const PACKED = 2;

/** A decimal that begins with less is one of at most four places, as two bytes; else of five digits, as three. */
export const LONG_DECIMAL = 0x80;
/** Instead of a long decimal's first byte, whose exponent is never so high. */
export const NO_DECIMAL = 0xff;
export const NULL_DECIMAL = 0xfe;
/** The most and the fewest places behind the point that a long one has. */
export const PLACES = { most: 21, fewest: -9 };
/** Exact as doubles, so that one division or multiplication of whole numbers gives the nearest double of a decimal. */
export const POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => 10 ** power);
export const DIGITS = 5;

export const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
export const PLACE_IN_ALPHABET = new Int8Array(256).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) PLACE_IN_ALPHABET[ALPHABET.charCodeAt(i)] = i;
export const HEX_DIGITS = '0123456789abcdef';
export const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
export const VALUE_OF_DIGIT = new Int8Array(256).fill(-1);
for (let i = 0; i < HEX_DIGITS.length; i++) VALUE_OF_DIGIT[HEX_DIGITS.charCodeAt(i)] = i;

export const PARTS = 2 ** 32;
/** Instead of so many parts: what follows is the number itself. */
export const WRITTEN_AS_FLOAT = 0;

export const USUAL_SIZE = 16_384;

/** Bytes with the view that reads numbers out of them. */
export interface ByteRegion {
  bytes: Uint8Array;
  view: DataView;
}

export function newRegion(size: number): ByteRegion {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** Up or down. */
export const timesTenTo = (value: number, power: number): number =>
  power >= 0 ? value * POWERS_OF_TEN[power]! : value / POWERS_OF_TEN[-power]!;
