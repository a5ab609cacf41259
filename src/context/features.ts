/** What can be told of a prompt by looking at it once: its size, its characters, its kinds of word, its conversation. */
import type { Conversation } from './text.ts';
import { GROUP_OF_WORD, HASH_START, hashStep, WORD_GROUPS } from './words.ts';

const LETTER = 1;
const CAPITAL = 2;
const DIGIT = 3;
const SPACE = 4;
const LINE = 5;
const MATHS = 6;
const BRACKET = 7;
const QUOTE = 8;
const COMMA = 9;
const STOP = 10;
const QUESTION = 11;
const OTHER = 12;
const KINDS = 14;
const BEYOND_ASCII = 13;

const KIND = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/.test(character)) return LETTER;
  if (/[A-Z]/.test(character)) return CAPITAL;
  if (/[0-9]/.test(character)) return DIGIT;
  if (character === '\n') return LINE;
  if (/\s/.test(character)) return SPACE;
  if ('+*/=<>^\\$%_|~'.includes(character)) return MATHS;
  if ('(){}[]'.includes(character)) return BRACKET;
  if ('"\'`'.includes(character)) return QUOTE;
  if (character === ',') return COMMA;
  if ('.;:!'.includes(character)) return STOP;
  return character === '?' ? QUESTION : OTHER;
});

/** Characters and words by kind, in one pass without making any string. */
function scan(text: string) {
  const kinds = new Float64Array(KINDS);
  const groups = new Float64Array(WORD_GROUPS.length);
  let words = 0;
  let options = 0;
  let bullets = 0;
  let firstGroup = -1;
  let hash = HASH_START;
  let inWord = false;
  let lineStart = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 10;
    const kind = code < 128 ? KIND[code]! : BEYOND_ASCII;
    kinds[kind]!++;
    if (kind === LETTER || kind === CAPITAL || kind === BEYOND_ASCII) {
      hash = hashStep(hash, kind === CAPITAL ? code + 32 : code);
      inWord = true;
      continue;
    }
    if (inWord) {
      const group = GROUP_OF_WORD.get(hash);
      if (group !== undefined) groups[group]!++;
      if (words === 0) firstGroup = group ?? -1;
      words++;
      hash = HASH_START;
      inWord = false;
    }
    if (kind === LINE) lineStart = i + 1;
    // `A.`, `A)`, `(A)`, `1.` are choices or steps; `-`, `*`, `#` are lists and headings.
    else if ((code === 41 || code === 46) && isMarker(text, i)) options++;
    else if (i === lineStart && (code === 35 || code === 42 || code === 45)) bullets++;
  }
  kinds[LINE]!--;
  return { kinds, groups, words, options, bullets, firstGroup };
}

/** Whether a single capital or digit stands alone before the `)` or `.` at `end`. */
function isMarker(text: string, end: number): boolean {
  const kind = KIND[text.charCodeAt(end - 1)];
  if (kind !== CAPITAL && kind !== DIGIT) return false;
  const before = end < 2 ? 10 : text.charCodeAt(end - 2);
  return before === 40 || before === 10;
}

const log = (count: number): number => Math.log1p(count);

/** Each feature by name, in the order of the encoder's coordinates. The first ones also predict lengths and times. */
export const FEATURES = [
  'characters',
  'code',
  'maths',
  'digits',
  'options',
  'bullets',
  'lines',
  'question',
  'fact',
  'reason',
  'compose',
  'self',
  'story',
  'amount',
  'function',
  'capitals',
  'commas',
  'brackets',
  'quotes',
  'stops',
  'wordLength',
  'beyondAscii',
  'tools',
  'turns',
  'system',
  'attached',
] as const;

export function measureFeatures(conversation: Conversation): Float64Array {
  const { asked } = conversation;
  const { kinds, groups, words, options, bullets } = scan(asked);
  const characters = Math.max(1, asked.length);
  const perWord = (group: number): number => Math.sqrt(groups[group]! / Math.max(8, words));
  const share = (kind: number): number => Math.sqrt(kinds[kind]! / characters);
  const letters = kinds[LETTER]! + kinds[CAPITAL]! + kinds[BEYOND_ASCII]!;
  const [code, maths, fact, reason, compose, self, story, amount, common] = WORD_GROUPS.keys();
  return Float64Array.of(
    log(asked.length),
    perWord(code!),
    share(MATHS) + perWord(maths!),
    share(DIGIT),
    log(options),
    log(bullets),
    log(kinds[LINE]!),
    log(kinds[QUESTION]!),
    perWord(fact!),
    perWord(reason!),
    perWord(compose!),
    perWord(self!),
    perWord(story!),
    perWord(amount!),
    groups[common!]! / Math.max(8, words),
    share(CAPITAL),
    share(COMMA),
    share(BRACKET),
    share(QUOTE),
    share(STOP),
    letters / Math.max(1, words),
    share(BEYOND_ASCII),
    log(conversation.tools) + log(conversation.toolCharacters / 200),
    log(conversation.assistantMessages + conversation.toolMessages),
    log(conversation.systemCharacters),
    log(conversation.images) + (conversation.wantsJson ? 1 : 0),
  );
}
