/** Reads numbers, texts and vectors out of bytes. */
import {
  ALPHABET,
  type ByteRegion,
  FLOAT_32,
  FLOAT_64,
  HEX,
  INTEGER_13,
  INTEGER_16,
  INTEGER_32,
  INTEGER_48,
  LONG_DECIMAL,
  LONG_FEATURE,
  LONGEST_NUMBER,
  MINUS_ZERO,
  MOST_FEATURE,
  MOST_SHORT_FEATURE,
  NO_DECIMAL,
  NULL,
  NULL_DECIMAL,
  newRegion,
  OWN_ID,
  OWN_ID_BYTES,
  OWN_ID_PREFIX,
  PACKED,
  PARTS,
  PLACES,
  SCALE,
  timesTenTo,
  WIDE,
  WRITTEN_AS_FLOAT,
  WRITTEN_OUT,
} from './byte-forms.ts';
import type { Symbols } from './symbols.ts';

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
