/** Numbers for texts that come again and again, such as a config's names: a record then holds the number. */

/** Texts that get a number. A config and the closed sets need dozens; whatever comes beyond is written out. */
const MOST_SYMBOLS = 1_000;
const MOST_CHARACTERS = 200;

export interface Symbols {
  /** From 0 on; null where the text gets none. The same for the same text, for good. */
  numberOf(text: string): number | null;
  textOf(number: number): string;
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
