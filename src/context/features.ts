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
import { WORD_GROUPS, type WordGroup } from './words.ts';

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

const group = (name: WordGroup): number => WORD_GROUPS.indexOf(name);
const CODE = group('code');
const MATHS_WORDS = group('maths');
const FACT = group('fact');
const REASON = group('reason');
const COMPOSE = group('compose');
const SELF = group('self');
const STORY = group('story');
const AMOUNT = group('amount');
const FUNCTION = group('function');

/** A 1, and then each feature. */
export function measureFeatures(conversation: Conversation): number[] {
  const { asked } = conversation;
  const { kinds, groups, words, options, bullets } = scan(asked);
  const characters = Math.max(1, asked.length);
  const someWords = Math.max(8, words);
  const letters = kinds[LETTER]! + kinds[CAPITAL]! + kinds[BEYOND_ASCII]!;
  return [
    1,
    log(asked.length),
    root(groups[CODE]!, someWords),
    root(kinds[MATHS]!, characters) + root(groups[MATHS_WORDS]!, someWords),
    root(kinds[DIGIT]!, characters),
    log(options),
    log(bullets),
    log(kinds[LINE]!),
    log(kinds[QUESTION]!),
    root(groups[FACT]!, someWords),
    root(groups[REASON]!, someWords),
    root(groups[COMPOSE]!, someWords),
    root(groups[SELF]!, someWords),
    root(groups[STORY]!, someWords),
    root(groups[AMOUNT]!, someWords),
    groups[FUNCTION]! / someWords,
    root(kinds[CAPITAL]!, characters),
    root(kinds[COMMA]!, characters),
    root(kinds[BRACKET]!, characters),
    root(kinds[QUOTE]!, characters),
    root(kinds[STOP]!, characters),
    letters / Math.max(1, words),
    root(kinds[BEYOND_ASCII]!, characters),
    log(conversation.tools) + log(conversation.toolCharacters / 200),
    log(conversation.assistantMessages + conversation.toolMessages),
    log(conversation.systemCharacters),
    log(conversation.images) + (conversation.wantsJson ? 1 : 0),
  ];
}

/** Of a share, which tells few from none better than many from more. */
const root = (count: number, of: number): number => Math.sqrt(count / of);
