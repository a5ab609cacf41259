/**
 * A fast keyed hash of texts, 128 bits wide, for what is then finished by the keyed SHA-256: 20 kB cost SHA-256 twelve
 * microseconds where the processor has instructions for it, five times as much where it has none, and this a half.
 *
 * Why it may be weaker than SHA-256: what comes out is never shown or kept. A name is SHA-256, under the server's secret, of
 * this hash and of whose conversation it is ("hash, then a keyed function of it", as Carter and Wegman's authenticators do).
 * So whoever reads names learns nothing, and whoever sends messages sees at most whether two of their own conversations are
 * taken for one. To make that happen they would have to guess the secret multipliers: of a change to a word at least 16
 * bits of what it does to the state hang on them, and the change must be undone in two words of the next block. By chance it
 * hardly happens: of two million texts that differ in the case of some letters no two agreed. It is plain integer arithmetic: the same on every replica, and in workerd.
 */
import type { Digest } from './digest.ts';

/** Four words, which a running hash of texts goes through. */
export type MixState = Int32Array;

/** Characters that are encoded at once. Cut by characters and not by bytes, so that every platform cuts at the same. */
const CHUNK = 16 * 1024;
const BLOCK_BYTES = 16;
const BLOCK_WORDS = 4;
/**
 * A block for what stands in front, at most three bytes of UTF-8 for a character of UTF-16 with a carriage return before it, and
 * what fills the last block.
 */
const scratch = Buffer.alloc(BLOCK_BYTES + 4 * CHUNK + BLOCK_BYTES);
const behindFirstBlock = scratch.subarray(BLOCK_BYTES);
const unitsBehindFirstBlock = new Uint16Array(scratch.buffer, scratch.byteOffset + BLOCK_BYTES, 2 * CHUNK);
// All platforms that Node and workerd run on are little-endian, so that the words are the same.
const words = new Int32Array(scratch.buffer, scratch.byteOffset, scratch.byteLength >> 2);

/** Four words to start from and eight multipliers. */
const KEY_WORDS = 12;
const WORDS_OF_A_DIGEST = 3;
const CHARACTERS_OF_A_WORD = 7;

export class TextMix {
  readonly #key = new Int32Array(KEY_WORDS);

  constructor(digest: Digest) {
    for (let i = 0; i < KEY_WORDS; i++) {
      const text = digest(`text mix ${Math.floor(i / WORDS_OF_A_DIGEST)}`);
      const from = (i % WORDS_OF_A_DIGEST) * CHARACTERS_OF_A_WORD;
      let word = 0;
      for (let k = from; k < from + CHARACTERS_OF_A_WORD; k++) word = (Math.imul(word, 67) + text.charCodeAt(k)) | 0;
      // An even multiplier would forget a bit.
      this.#key[i] = i < 4 ? word : word | 1;
    }
  }

  start(state: MixState): void {
    const key = this.#key;
    for (let i = 0; i < 4; i++) state[i] = key[i]!;
  }

  /**
   * Takes the text in, with its kind and length in front, so that no text can pass for several. Lines that end in a carriage
   * return and a line feed are taken as if they ended in a line feed.
   */
  takeText(state: MixState, kind: number, text: string): void {
    const wide = beginsWide(text);
    const length = measureChunks(text);
    const chunks = Math.max(1, Math.ceil(length / CHUNK));
    let from = 0;
    for (let chunk = 0; chunk < chunks; chunk++) {
      const end = ends[chunk]!;
      const at = chunk * CHUNK;
      words[0] = kind;
      words[1] = length;
      words[2] = at;
      words[3] = wide ? 1 : 0;
      const part = chunks === 1 ? text : text.slice(from, end);
      let written = behindFirstBlock.write(part, wide ? 'utf16le' : 'utf8');
      if (end - from > Math.min(CHUNK, length - at)) {
        written = wide
          ? 2 * withoutReturns(unitsBehindFirstBlock, written >> 1)
          : withoutReturns(behindFirstBlock, written);
      }
      const rest = -written & (BLOCK_BYTES - 1);
      for (let i = 0; i < rest; i++) behindFirstBlock[written + i] = 0;
      this.#takeWords(state, BLOCK_WORDS + ((written + rest) >> 2));
      from = end;
    }
  }

  takeState(state: MixState, taken: MixState): void {
    words.set(taken);
    this.#takeWords(state, BLOCK_WORDS);
  }

  /** For one block each step can be undone, so that blocks that differ lead to states that differ. */
  #takeWords(state: MixState, count: number): void {
    const key = this.#key;
    const k0 = key[4]!;
    const k1 = key[5]!;
    const k2 = key[6]!;
    const k3 = key[7]!;
    const l0 = key[8]!;
    const l1 = key[9]!;
    const l2 = key[10]!;
    const l3 = key[11]!;
    let a = state[0]!;
    let b = state[1]!;
    let c = state[2]!;
    let d = state[3]!;
    for (let i = 0; i < count; i += BLOCK_WORDS) {
      // The first multiplication hides which bits have changed, the shift brings high ones down, the second spreads them. The
      // first needs nothing of the block before, so that blocks are worked on at once.
      const s = Math.imul(words[i]!, k0);
      const t = Math.imul(words[i + 1]!, k1);
      const u = Math.imul(words[i + 2]!, k2);
      const v = Math.imul(words[i + 3]!, k3);
      a = (Math.imul(a ^ s ^ (s >>> 16), l0) + b) | 0;
      b = (Math.imul(b ^ t ^ (t >>> 16), l1) + c) | 0;
      c = (Math.imul(c ^ u ^ (u >>> 16), l2) + d) | 0;
      d = (Math.imul(d ^ v ^ (v >>> 16), l3) + a) | 0;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
  }
}

const NEW_LINE = '\r\n';
const RETURN = 13;
const FEED = 10;

/** Where each chunk of the text that was measured last ends. */
const ends: number[] = [];

/** Finds where each chunk ends, and gives how long the text is, carriage returns before line feeds not counted. */
function measureChunks(text: string): number {
  let chunks = 0;
  let end = CHUNK;
  let returns = 0;
  for (let at = text.indexOf(NEW_LINE); at >= 0; at = text.indexOf(NEW_LINE, at + 2)) {
    for (; end <= at; end += CHUNK) ends[chunks++] = end;
    end++;
    returns++;
  }
  for (; end < text.length; end += CHUNK) ends[chunks++] = end;
  ends[chunks] = text.length;
  return text.length - returns;
}

/** The beginning of a text, so many characters of it, carriage returns before line feeds not counted. */
export function beginningOf(text: string, characters: number): string {
  let end = characters;
  let at = end < text.length ? text.indexOf(NEW_LINE) : -1;
  for (; at >= 0 && at < end; at = text.indexOf(NEW_LINE, at + 2)) end++;
  return end < text.length ? text.slice(0, end) : text;
}

/** Leaves out carriage returns before line feeds, and gives how many units remain. */
function withoutReturns(units: Uint8Array | Uint16Array, count: number): number {
  let to = 0;
  for (let from = 0; from < count; from++) {
    const unit = units[from]!;
    if (unit === RETURN && from + 1 < count && units[from + 1] === FEED) continue;
    units[to++] = unit;
  }
  return to;
}

/** How many of a text's characters tell its script. */
const TELLING = 4;

/**
 * Whether the text begins in another script than Latin. Such a text is taken as it lies in memory, since to make UTF-8 of it
 * costs ten times as much; any other as UTF-8, which is half as long. It hangs on the text alone, never on how the engine holds it.
 */
function beginsWide(text: string): boolean {
  let telling = TELLING;
  for (let i = 0; i < telling && i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0xff) return true;
    if (unit === RETURN && text.charCodeAt(i + 1) === FEED) telling++;
  }
  return false;
}

/** The state as 20 characters of ASCII, seven bits each: what can be hashed without being encoded first. */
export function textOfState(state: MixState): string {
  const a = state[0]!;
  const b = state[1]!;
  const c = state[2]!;
  const d = state[3]!;
  return String.fromCharCode(
    a & 127,
    (a >>> 7) & 127,
    (a >>> 14) & 127,
    (a >>> 21) & 127,
    a >>> 28,
    b & 127,
    (b >>> 7) & 127,
    (b >>> 14) & 127,
    (b >>> 21) & 127,
    b >>> 28,
    c & 127,
    (c >>> 7) & 127,
    (c >>> 14) & 127,
    (c >>> 21) & 127,
    c >>> 28,
    d & 127,
    (d >>> 7) & 127,
    (d >>> 14) & 127,
    (d >>> 21) & 127,
    d >>> 28,
  );
}
