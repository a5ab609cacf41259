/** Numbers for texts that come again and again, such as a config's names: a record then holds the number. */

/** Texts that get a number. A config and the closed sets need dozens; whatever comes beyond is written out. */
const MOST_SYMBOLS = 1_000;
const MOST_CHARACTERS = 200;

export interface Symbols {
  /** From 0 on; null where the text gets none. The same for the same text, for good. */
  numberOf(text: string): number | null;
  textOf(number: number): string;
  /** Told by a reader of each text that it found written out. */
  spelled?(text: string): void;
}

export function createSymbols(): Symbols {
  const numbers = new Map<string, number>();
  const texts: string[] = [];
  return {
    numberOf(text) {
      const known = numbers.get(text);
      if (known !== undefined) return known;
      if (texts.length >= MOST_SYMBOLS || text.length > MOST_CHARACTERS) return null;
      numbers.set(text, texts.length);
      return texts.push(text) - 1;
    },
    textOf(number) {
      const text = texts[number];
      if (text === undefined) throw new RangeError(`there is no symbol ${number}`);
      return text;
    },
  };
}

/** Symbols for records that others read too: a fixed list, and behind it the texts of the one record that it is at. */
export interface RecordSymbols extends Symbols {
  /** Forgets the last record's texts, and begins with those that stand beside the next one. */
  restart(beside?: readonly string[]): void;
}

/** `words` may only ever grow at its end: what is kept holds their places. */
export function createRecordSymbols(words: readonly string[]): RecordSymbols {
  const places = new Map(words.map((word, place) => [word, place]));
  const own = new Map<string, number>();
  let texts: string[] = [];
  const keep = (text: string): void => {
    own.set(text, words.length + texts.length);
    texts.push(text);
  };
  return {
    restart(beside = []) {
      own.clear();
      texts = [];
      for (const text of beside) keep(text);
    },
    /** Null for a text that is new: it is written out this once, as the reader too will find it. */
    numberOf(text) {
      const place = places.get(text) ?? own.get(text);
      if (place === undefined) keep(text);
      return place ?? null;
    },
    textOf(number) {
      const text = number < words.length ? words[number] : texts[number - words.length];
      if (text === undefined) throw new RangeError(`there is no symbol ${number}`);
      return text;
    },
    spelled: keep,
  };
}
