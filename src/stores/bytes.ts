/** Numbers, texts and vectors as bytes, each in the shortest of a few forms out of which it comes back exactly as it was. */
import type { Symbols } from './symbols.ts';

/** What a number begins with; a smaller first byte is the number itself, or with the next one a little more. */
const INTEGER_13 = 0xd0;
const NULL = 0xf0;
const INTEGER_16 = 0xf1;
const INTEGER_32 = 0xf2;
const INTEGER_48 = 0xf3;
const FLOAT_32 = 0xf4;
const FLOAT_64 = 0xf5;
const LONGEST_NUMBER = 9;
const MOST_13 = INTEGER_13 + 256 * (NULL - INTEGER_13);

/** What a symbol begins with where the text has no number. */
const WRITTEN_OUT = 0;

/** Features have four decimals: as whole ten-thousandths they take two bytes instead of eight. */
const SCALE = 10_000;
const MOST_SCALED = 32_767;
const MOST_FEATURE = 16_383;
/** What a feature of two bytes begins with at least. */
const LONG_FEATURE = 0x80;
const MOST_SHORT_FEATURE = 63;
/** Stands for −0, which rounding gives and which is no whole number. */
const MINUS_ZERO = 0x7f;

/** What an id as Conduit makes them begins with, instead of a text's length. */
const OWN_ID = 0xff;
const OWN_ID_PREFIX = 'dec_';
const OWN_ID_BYTES = 16;
const OWN_ID_LENGTH = OWN_ID_PREFIX.length + 2 * OWN_ID_BYTES;

/** How the units of a text are written; stands in the lowest bits of its header. */
const NARROW = 0;
const WIDE = 1;
/** Four characters of the base64url alphabet in three bytes: what providers and programs make up names of. */
const PACKED = 2;

/** A decimal that begins with less is one of at most four places, as two bytes; else of five digits, as three. */
const LONG_DECIMAL = 0x80;
/** Instead of a long decimal's first byte, whose exponent is never so high. */
const NO_DECIMAL = 0xff;
const NULL_DECIMAL = 0xfe;
/** The most and the fewest places behind the point that a long one has. */
const PLACES = { most: 21, fewest: -9 };
/** Exact as doubles, so that one division or multiplication of whole numbers gives the nearest double of a decimal. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => 10 ** power);
const DIGITS = 5;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const PLACE_IN_ALPHABET = new Int8Array(256).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) PLACE_IN_ALPHABET[ALPHABET.charCodeAt(i)] = i;
const HEX_DIGITS = '0123456789abcdef';
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const VALUE_OF_DIGIT = new Int8Array(256).fill(-1);
for (let i = 0; i < HEX_DIGITS.length; i++) VALUE_OF_DIGIT[HEX_DIGITS.charCodeAt(i)] = i;

const PARTS = 2 ** 32;
/** Instead of so many parts: what follows is the number itself. */
const WRITTEN_AS_FLOAT = 0;

const USUAL_SIZE = 16_384;

/** Bytes with the view that reads numbers out of them. */
export interface ByteRegion {
  bytes: Uint8Array;
  view: DataView;
}

export function newRegion(size: number): ByteRegion {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** Writes one record after the other into the same bytes, which grow as needed; whoever keeps a record copies it. */
export class ByteWriter {
  bytes: Uint8Array;
  /** How many bytes have been written. */
  at = 0;
  #view: DataView;
  readonly #symbols: Symbols;
  readonly #regionOf: (size: number) => ByteRegion;

  /** `regionOf`: makes the bytes that it writes into. */
  constructor(symbols: Symbols, regionOf: (size: number) => ByteRegion = newRegion) {
    this.#symbols = symbols;
    this.#regionOf = regionOf;
    ({ bytes: this.bytes, view: this.#view } = regionOf(USUAL_SIZE));
  }

  /** Begins anew, and gives back what one large record took. */
  restart(): void {
    this.at = 0;
    if (this.bytes.length > USUAL_SIZE) ({ bytes: this.bytes, view: this.#view } = this.#regionOf(USUAL_SIZE));
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.at++] = value;
  }

  /** A number between 0 and 1: four bytes where it is so many parts of 2^32, as probabilities are here. */
  share(value: number): void {
    const parts = value * PARTS;
    this.#reserve(4);
    const fits = parts > 0 && parts < PARTS && Math.floor(parts) === parts;
    this.#view.setUint32(this.at, fits ? parts : WRITTEN_AS_FLOAT);
    this.at += 4;
    if (!fits) this.float(value);
  }

  /** A number that is seldom a whole one: always eight bytes, and sooner written than what is looked at first. */
  float(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.at, value);
    this.at += 8;
  }

  number(value: number | null): void {
    this.#reserve(LONGEST_NUMBER);
    const { bytes } = this;
    if (value === null) {
      bytes[this.at++] = NULL;
      return;
    }
    const whole = value >>> 0;
    // −0 is equal to 0 and is none.
    if (whole === value && (whole !== 0 || 1 / value > 0)) {
      if (whole < INTEGER_13) bytes[this.at++] = whole;
      else if (whole < MOST_13) {
        bytes[this.at] = INTEGER_13 + ((whole - INTEGER_13) >> 8);
        bytes[this.at + 1] = whole - INTEGER_13;
        this.at += 2;
      } else if (whole < 2 ** 16) {
        bytes[this.at] = INTEGER_16;
        this.#view.setUint16(this.at + 1, whole);
        this.at += 3;
      } else {
        bytes[this.at] = INTEGER_32;
        this.#view.setUint32(this.at + 1, whole);
        this.at += 5;
      }
    } else if (value >= 2 ** 32 && value < 2 ** 48 && Math.floor(value) === value) {
      bytes[this.at] = INTEGER_48;
      this.#view.setUint16(this.at + 1, value / 2 ** 32);
      this.#view.setUint32(this.at + 3, value >>> 0);
      this.at += 7;
    } else if (Math.fround(value) === value) {
      bytes[this.at] = FLOAT_32;
      this.#view.setFloat32(this.at + 1, value);
      this.at += 5;
    } else {
      bytes[this.at] = FLOAT_64;
      this.#view.setFloat64(this.at + 1, value);
      this.at += 9;
    }
  }

  /** A number of at most five digits in three bytes, or two where it is a share with four places; any other in nine. */
  decimal(value: number | null): void {
    this.#reserve(LONGEST_NUMBER);
    const { bytes, at } = this;
    if (value === null) {
      bytes[this.at++] = NULL_DECIMAL;
      return;
    }
    const units = Math.round(value * SCALE);
    if (units >= 0 && units <= MOST_SCALED && units / SCALE === value && !Object.is(value, -0)) {
      bytes[at] = units >> 8;
      bytes[at + 1] = units;
      this.at += 2;
      return;
    }
    const size = Math.abs(value);
    const places = DIGITS - 1 - Math.floor(Math.log10(size));
    if (places >= PLACES.fewest && places <= PLACES.most) {
      const digits = Math.round(timesTenTo(size, places));
      if (timesTenTo(digits, -places) === size) {
        const sign = value < 0 ? 1 : 0;
        bytes[at] = LONG_DECIMAL | (sign << 6) | ((places - PLACES.fewest) << 1) | (digits >> 16);
        bytes[at + 1] = digits >> 8;
        bytes[at + 2] = digits;
        this.at += 3;
        return;
      }
    }
    bytes[at] = NO_DECIMAL;
    this.#view.setFloat64(at + 1, value);
    this.at += LONGEST_NUMBER;
  }

  /**
   * One byte a code unit where all of them fit, less where all are of one alphabet, else two. Not UTF-8: it has no way to
   * write half of a surrogate pair, which a JSON text may hold.
   */
  text(value: string | null): void {
    if (value === null) {
      this.number(null);
      return;
    }
    const { length } = value;
    this.#reserve(LONGEST_NUMBER + 2 * length);
    const start = this.at;
    if (length >= 4) {
      if (this.#packedText(value)) return;
      this.at = start;
    }
    this.number(4 * length + NARROW);
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0xff) {
        this.at = start;
        this.#wideText(value);
        return;
      }
      bytes[at++] = unit;
    }
    this.at = at;
  }

  /** False where a character is of another alphabet. */
  #packedText(value: string): boolean {
    const { length } = value;
    this.number(4 * length + PACKED);
    const { bytes } = this;
    let { at } = this;
    let bits = 0;
    let held = 0;
    for (let i = 0; i < length; i++) {
      const place = PLACE_IN_ALPHABET[value.charCodeAt(i)];
      if (place === undefined || place < 0) return false;
      bits = ((bits << 6) | place) & 0xffff;
      held += 6;
      if (held >= 8) {
        held -= 8;
        bytes[at++] = bits >> held;
      }
    }
    if (held > 0) bytes[at++] = bits << (8 - held);
    this.at = at;
    return true;
  }

  #wideText(value: string): void {
    const { length } = value;
    this.number(4 * length + WIDE);
    for (let i = 0; i < length; i++, this.at += 2) this.#view.setUint16(this.at, value.charCodeAt(i));
  }

  /** A decision's id: one as Conduit makes them in 17 bytes. */
  id(value: string): void {
    this.#reserve(1 + OWN_ID_BYTES);
    if (!this.#ownId(value)) this.text(value);
  }

  #ownId(value: string): boolean {
    if (value.length !== OWN_ID_LENGTH || !value.startsWith(OWN_ID_PREFIX)) return false;
    const { bytes, at } = this;
    for (let i = 0; i < OWN_ID_BYTES; i++) {
      const high = VALUE_OF_DIGIT[value.charCodeAt(OWN_ID_PREFIX.length + 2 * i)] ?? -1;
      const low = VALUE_OF_DIGIT[value.charCodeAt(OWN_ID_PREFIX.length + 2 * i + 1)] ?? -1;
      if (high < 0 || low < 0) return false;
      bytes[at + 1 + i] = 16 * high + low;
    }
    bytes[at] = OWN_ID;
    this.at += 1 + OWN_ID_BYTES;
    return true;
  }

  /** A text that is expected to come again in other records. */
  symbol(text: string | null): void {
    const number = text === null ? null : this.#symbols.numberOf(text);
    if (number !== null) this.number(number + 1);
    else {
      this.byte(WRITTEN_OUT);
      this.text(text);
    }
  }

  /** Features: two bytes each, or one where it is next to nothing. */
  vector(values: readonly number[]): void {
    const { length } = values;
    this.#reserve(LONGEST_NUMBER + 8 * length);
    const start = this.at;
    this.number(2 * length);
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i < length; i++) {
      const value = values[i]!;
      const units = Math.round(value * SCALE);
      if (units / SCALE !== value || units > MOST_FEATURE || units < -MOST_FEATURE) {
        this.at = start;
        this.#unscaledVector(values);
        return;
      }
      if (units === 0 && 1 / value < 0) bytes[at++] = MINUS_ZERO;
      else if (units >= -MOST_SHORT_FEATURE && units <= MOST_SHORT_FEATURE) bytes[at++] = units + MOST_SHORT_FEATURE;
      else {
        const shifted = units + MOST_FEATURE;
        bytes[at++] = LONG_FEATURE | (shifted >> 8);
        bytes[at++] = shifted;
      }
    }
    this.at = at;
  }

  #unscaledVector(values: readonly number[]): void {
    const { length } = values;
    this.number(2 * length + 1);
    for (let i = 0; i < length; i++, this.at += 8) this.#view.setFloat64(this.at, values[i]!);
  }

  #reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.#grow(size);
  }

  #grow(size: number): void {
    const { bytes, view } = this.#regionOf(2 * (this.at + size));
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
    this.#view = view;
  }
}

/** Reads what a writer with the same symbols has written, in the same order. */
export class ByteReader {
  #bytes: Uint8Array;
  #view: DataView;
  #at = 0;
  readonly #symbols: Symbols;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
    ({ bytes: this.#bytes, view: this.#view } = newRegion(0));
  }

  /** Goes to where a record begins. */
  open({ bytes, view }: ByteRegion, at: number): void {
    this.#bytes = bytes;
    this.#view = view;
    this.#at = at;
  }

  byte(): number {
    return this.#bytes[this.#at++]!;
  }

  share(): number {
    this.#at += 4;
    const parts = this.#view.getUint32(this.#at - 4);
    return parts === WRITTEN_AS_FLOAT ? this.float() : parts / PARTS;
  }

  float(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8);
  }

  /** Where no null can have been written. */
  number(): number {
    return this.numberOrNull() as number;
  }

  numberOrNull(): number | null {
    const first = this.#bytes[this.#at++]!;
    if (first < INTEGER_13) return first;
    if (first < NULL) return INTEGER_13 + 256 * (first - INTEGER_13) + this.#bytes[this.#at++]!;
    const at = this.#at;
    switch (first) {
      case NULL:
        return null;
      case INTEGER_16:
        this.#at += 2;
        return this.#view.getUint16(at);
      case INTEGER_32:
        this.#at += 4;
        return this.#view.getUint32(at);
      case INTEGER_48:
        this.#at += 6;
        return this.#view.getUint16(at) * 2 ** 32 + this.#view.getUint32(at + 2);
      case FLOAT_32:
        this.#at += 4;
        return this.#view.getFloat32(at);
      case FLOAT_64:
        this.#at += 8;
        return this.#view.getFloat64(at);
      default:
        throw new RangeError(`no number begins with ${first}`);
    }
  }

  /** Where no null can have been written. */
  decimal(): number {
    return this.decimalOrNull() as number;
  }

  decimalOrNull(): number | null {
    const bytes = this.#bytes;
    const at = this.#at;
    const first = bytes[at]!;
    if (first < LONG_DECIMAL) {
      this.#at += 2;
      return ((first << 8) | bytes[at + 1]!) / SCALE;
    }
    if (first === NULL_DECIMAL) {
      this.#at += 1;
      return null;
    }
    if (first === NO_DECIMAL) {
      this.#at += LONGEST_NUMBER;
      return this.#view.getFloat64(at + 1);
    }
    this.#at += 3;
    const digits = ((first & 1) << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const places = ((first >> 1) & 0x1f) + PLACES.fewest;
    const size = timesTenTo(digits, -places);
    return first & 0x40 ? -size : size;
  }

  text(): string {
    return this.textOrNull() as string;
  }

  textOrNull(): string | null {
    const header = this.numberOrNull();
    if (header === null) return null;
    // Not by bits: a header may be longer than those go.
    const length = Math.floor(header / 4);
    const form = header % 4;
    const from = this.#at;
    if (form === PACKED) {
      this.#at += Math.ceil((length * 6) / 8);
      return this.#packedText(from, length);
    }
    const wide = form === WIDE;
    this.#at += wide ? 2 * length : length;
    let text = '';
    // In pieces, since every unit becomes an argument.
    for (let start = 0; start < length; start += 4_096) {
      const end = Math.min(length, start + 4_096);
      text += wide ? this.#wideText(from + 2 * start, end - start) : this.#narrowText(from + start, from + end);
    }
    return text;
  }

  #packedText(from: number, length: number): string {
    let text = '';
    let bits = 0;
    let held = 0;
    let at = from;
    for (let i = 0; i < length; i++) {
      if (held < 6) {
        bits = ((bits << 8) | this.#bytes[at++]!) & 0xffff;
        held += 8;
      }
      held -= 6;
      text += ALPHABET[(bits >> held) & 0x3f];
    }
    return text;
  }

  id(): string {
    if (this.#bytes[this.#at] !== OWN_ID) return this.text();
    let id = OWN_ID_PREFIX;
    const from = this.#at + 1;
    this.#at = from + OWN_ID_BYTES;
    for (let at = from; at < this.#at; at++) id += HEX[this.#bytes[at]!];
    return id;
  }

  #narrowText(from: number, to: number): string {
    return String.fromCharCode.apply(null, this.#bytes.subarray(from, to) as unknown as number[]);
  }

  #wideText(from: number, length: number): string {
    return String.fromCharCode(...Array.from({ length }, (_, i) => this.#view.getUint16(from + 2 * i)));
  }

  symbol(): string {
    return this.symbolOrNull() as string;
  }

  symbolOrNull(): string | null {
    const number = this.number();
    if (number !== WRITTEN_OUT) return this.#symbols.textOf(number - 1);
    const text = this.textOrNull();
    if (text !== null) this.#symbols.spelled?.(text);
    return text;
  }

  vector(): number[] {
    const header = this.number();
    const values = new Array<number>(header >>> 1);
    const view = this.#view;
    let at = this.#at;
    if (header % 2 === 1) {
      for (let i = 0; i < values.length; i++, at += 8) values[i] = view.getFloat64(at);
    } else {
      const bytes = this.#bytes;
      for (let i = 0; i < values.length; i++) {
        const first = bytes[at++]!;
        if (first >= LONG_FEATURE) {
          values[i] = ((((first & 0x7f) << 8) | bytes[at++]!) - MOST_FEATURE) / SCALE;
        } else values[i] = first === MINUS_ZERO ? -0 : (first - MOST_SHORT_FEATURE) / SCALE;
      }
    }
    this.#at = at;
    return values;
  }
}

/** Up or down. */
const timesTenTo = (value: number, power: number): number =>
  power >= 0 ? value * POWERS_OF_TEN[power]! : value / POWERS_OF_TEN[-power]!;
