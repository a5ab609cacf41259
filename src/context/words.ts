/** Words that tell kinds of task apart, found by a hash that is computed while the characters go by. */

export const WORD_GROUPS = [
  'code',
  'maths',
  'fact',
  'reason',
  'compose',
  'self',
  'story',
  'amount',
  'function',
] as const;
export type WordGroup = (typeof WORD_GROUPS)[number];

const WORDS: Record<WordGroup, string> = {
  code: 'code function def class return import python javascript typescript java rust sql html css api bug error exception compile string list array tuple dict dictionary loop regex query script program method variable implement test assert int bool integer null json',
  maths:
    'equation solve compute calculate evaluate prove theorem integral derivative probability polynomial triangle circle angle radius sum product sqrt frac prime divisor matrix vector algebra geometry simplify expression boxed',
  fact: 'who whom whose when where which name named called first capital country president year born played plays sings sang wrote song film movie episode season team won actor album',
  reason:
    'why explain because therefore step carefully reason reasoning analyse analyze compare difference derive clue clues deduce conclude logic premise argument valid',
  compose:
    'write writing rewrite draft story poem essay email letter blog article summarise summarize summary translate paraphrase describe generate create edit improve title sentence sentences',
  self: 'i my me you your we our us please help',
  story: 'he she his her him they their was were had did said went has mr mrs',
  amount:
    'how many much total each per cost costs price dollars percent twice half times more less fewer left day days week hours minutes pounds miles',
  function: 'the a an of to in is are and that for on with as by from at it this be or not if',
};

export const hashOf = (word: string): number => {
  let hash = HASH_START;
  for (let i = 0; i < word.length; i++) hash = hashStep(hash, word.charCodeAt(i));
  return hash;
};

/** FNV-1a, one lower-case letter at a time. */
export const HASH_START = 0x811c9dc5 | 0;
export const hashStep = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193);

/** An open-addressed table with more than twice as many places as there are words: a search ends after one or two. */
const PLACES = 512;
const HASHES = new Int32Array(PLACES);
/** One more than the index of the group; 0 where there is no word. */
const GROUPS = new Uint8Array(PLACES);

/** The index of the group of a word with this hash; -1 where it is in none. */
export const groupOf = (hash: number): number => GROUPS[placeOf(hash)]! - 1;

/** Where the word with this hash is, or would be. */
function placeOf(hash: number): number {
  let place = (hash ^ (hash >>> 16)) & (PLACES - 1);
  while (GROUPS[place] !== 0 && HASHES[place] !== hash) place = (place + 1) & (PLACES - 1);
  return place;
}

for (const [index, group] of WORD_GROUPS.entries()) {
  for (const word of WORDS[group].split(' ')) {
    const hash = hashOf(word);
    const place = placeOf(hash);
    HASHES[place] = hash;
    GROUPS[place] = index + 1;
  }
}
