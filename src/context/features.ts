/** The hand-made features of a prompt: its size, its kinds of character and of word, its conversation. */

import {
  BEYOND_ASCII,
  BRACKET,
  CAPITAL,
  COMMA,
  DIGIT,
  LETTER,
  LINE,
  MATHS,
  QUESTION,
  QUOTE,
  STOP,
  scan,
} from './scan.ts';
import type { Conversation } from './text.ts';
import { WORD_GROUPS } from './words.ts';

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
