/** Writes numbers, texts and vectors as bytes. */
import {
  type ByteRegion,
  DIGITS,
  FLOAT_32,
  FLOAT_64,
  INTEGER_13,
  INTEGER_16,
  INTEGER_32,
  INTEGER_48,
  LONG_DECIMAL,
  LONG_FEATURE,
  LONGEST_NUMBER,
  MINUS_ZERO,
  MOST_13,
  MOST_FEATURE,
  MOST_SCALED,
  MOST_SHORT_FEATURE,
  NARROW,
  NO_DECIMAL,
  NULL,
  NULL_DECIMAL,
  newRegion,
  OWN_ID,
  OWN_ID_BYTES,
  OWN_ID_LENGTH,
  OWN_ID_PREFIX,
  PACKED,
  PARTS,
  PLACE_IN_ALPHABET,
  PLACES,
  SCALE,
  timesTenTo,
  USUAL_SIZE,
  VALUE_OF_DIGIT,
  WIDE,
  WRITTEN_AS_FLOAT,
  WRITTEN_OUT,
} from './byte-forms.ts';
import type { Symbols } from './symbols.ts';

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
