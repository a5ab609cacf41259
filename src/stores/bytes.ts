/** Numbers, texts and vectors as bytes, each in the shortest of a few forms out of which it comes back exactly as it was. */
import type { Symbols } from './symbols.ts';

/** What a number begins with; a smaller first byte is the number itself. */
const NULL = 0xf0;
const INTEGER_16 = 0xf1;
const INTEGER_32 = 0xf2;
const INTEGER_48 = 0xf3;
const FLOAT_32 = 0xf4;
const FLOAT_64 = 0xf5;
const LONGEST_NUMBER = 9;

/** What a symbol begins with where the text has no number. */
const WRITTEN_OUT = 0;

/** Features have four decimals: as whole ten-thousandths they take two bytes instead of eight. */
const SCALE = 10_000;
const MOST_SCALED = 32_767;
/** Stands for −0, which rounding gives and which is no whole number. */
const MINUS_ZERO = -32_768;

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
      if (whole < NULL) bytes[this.at++] = whole;
      else if (whole < 2 ** 16) {
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

  /**
   * One byte a code unit where all of them fit, else two. Not UTF-8: it has no way to write half of a surrogate pair, which
   * a JSON text may hold.
   */
  text(value: string | null): void {
    if (value === null) {
      this.number(null);
      return;
    }
    const { length } = value;
    this.#reserve(LONGEST_NUMBER + 2 * length);
    const start = this.at;
    this.number(2 * length);
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

  #wideText(value: string): void {
    const { length } = value;
    this.number(2 * length + 1);
    for (let i = 0; i < length; i++, this.at += 2) this.#view.setUint16(this.at, value.charCodeAt(i));
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

  vector(values: readonly number[]): void {
    const { length } = values;
    this.#reserve(LONGEST_NUMBER + 8 * length);
    const start = this.at;
    this.number(2 * length);
    const view = this.#view;
    let { at } = this;
    for (let i = 0; i < length; i++, at += 2) {
      const value = values[i]!;
      const scaled = Math.round(value * SCALE);
      if (scaled / SCALE !== value || scaled > MOST_SCALED || scaled < -MOST_SCALED) {
        this.at = start;
        this.#unscaledVector(values);
        return;
      }
      view.setInt16(at, scaled);
      if (scaled === 0 && 1 / value < 0) view.setInt16(at, MINUS_ZERO);
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
    if (first < NULL) return first;
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

  text(): string {
    return this.textOrNull() as string;
  }

  textOrNull(): string | null {
    const header = this.numberOrNull();
    if (header === null) return null;
    const length = header >>> 1;
    const wide = header % 2 === 1;
    const from = this.#at;
    this.#at += wide ? 2 * length : length;
    let text = '';
    // In pieces, since every unit becomes an argument.
    for (let start = 0; start < length; start += 4_096) {
      const end = Math.min(length, start + 4_096);
      text += wide ? this.#wideText(from + 2 * start, end - start) : this.#narrowText(from + start, from + end);
    }
    return text;
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
      for (let i = 0; i < values.length; i++, at += 2) {
        const scaled = view.getInt16(at);
        values[i] = scaled === MINUS_ZERO ? -0 : scaled / SCALE;
      }
    }
    this.#at = at;
    return values;
  }
}
