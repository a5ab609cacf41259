/** Tells in which scripts a text is written, so that it is not searched for the phrases of all languages. */

export type Script = 'latin' | 'greek' | 'cyrillic' | 'hebrew' | 'arabic' | 'devanagari' | 'chinese' | 'korean';

/** Ranges of characters, each with its end; letters with accents are looked for without them. */
const RANGES: readonly (readonly [from: number, to: number, Script])[] = [
  [0x61, 0x7a, 'latin'],
  [0x370, 0x3ff, 'greek'],
  [0x400, 0x52f, 'cyrillic'],
  [0x590, 0x5ff, 'hebrew'],
  [0x600, 0x6ff, 'arabic'],
  [0x900, 0x97f, 'devanagari'],
  // Japanese has syllables of its own beside Chinese characters.
  [0x3040, 0x30ff, 'chinese'],
  [0x3400, 0x9fff, 'chinese'],
  [0xac00, 0xd7af, 'korean'],
];

/** Those of a short text in small letters without accents. */
export function scriptsOf(text: string): Script[] {
  const scripts: Script[] = [];
  let from = 1;
  let to = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Most characters are of the script of the one before.
    if (unit < 0x61 || (unit >= from && unit <= to)) continue;
    const range = RANGES.find(([least, most]) => unit >= least && unit <= most);
    if (!range) continue;
    [from, to] = range;
    if (!scripts.includes(range[2])) scripts.push(range[2]);
  }
  return scripts;
}
