/** What a request says of the answer that its messages hold last: by what stands behind it. */
import { asksOn } from './asking-on.ts';
import { showsError } from './error-output.ts';
import { folded } from './folded.ts';
import { objects } from './objections.ts';
import { likeness, sketchOf } from './sketch.ts';

/**
 * `corrected`: the answer is contradicted, its question repeated, or an error pasted that came of it. `resumed`: an agent's
 * tool has returned, which is no verdict.
 */
export type NextMessage = 'continued' | 'corrected' | 'resumed';

export interface SaidMessage {
  role: string;
  content?: unknown;
}

/** Of longer texts the beginning and the end are read. */
const READ_AT_EACH_END = 2048;
/** The same question is one that shares so much of its shingles with the one before. */
const REPEATED = 0.75;
const SHINGLE = 4;
/** An answer that asks does so at its end, though a word of courtesy may follow. */
const LAST_WORDS = 160;
const SAMPLES = 8;
const LONG = 200;
/** Sketches of texts that are shorter tell too little. */
const SHORT = 80;
/** Letters. Two short messages are alike by chance, as "yes" and "yes" to two questions. */
const SHORTEST_REPEATED = 12;
const LONGEST_BIDDING = { asked: 24, told: 48 };
/** A line that is shorter may stand in an answer by chance. */
const SHORTEST_PASTED = 12;
const MOST_LINES = 80;
const LINES_LOOKED_UP = 8;

/** Null where nothing stands behind an answer: there is none, or the request ends in the beginning of one. */
export function verdictOn(messages: readonly SaidMessage[]): NextMessage | null {
  const last = messages.findLast(({ role }) => !isSystem(role));
  if (!last || last.role === 'assistant') return null;
  const answerAt = messages.findLastIndex(({ role }) => role === 'assistant');
  if (answerAt < 0) return null;
  if (last.role === 'tool' || last.role === 'function') return 'resumed';
  const said = bounded(textOfUsers(messages, answerAt + 1, messages.length));
  const answer = bounded(textOf(messages[answerAt]?.content));
  const asked = /[?？؟]/.test(answer.slice(-LAST_WORDS));
  if (objects(said, asked)) return 'corrected';
  const afterTools = messages.slice(answerAt + 1).some(({ role }) => role === 'tool' || role === 'function');
  // Some agents put a reminder behind what their tools gave, the same each time: no person says that.
  if (afterTools && /^\s*<[a-z][\w-]*>/i.test(said)) return 'resumed';
  const question = questionBefore(messages, answerAt);
  // The same words about another picture are another question.
  const mayRepeat = !isBidding(said, question, messages) && !hasMoreThanText(messages, answerAt);
  if (mayRepeat && repeats(said, question)) return afterTools ? 'resumed' : 'corrected';
  if (!said.includes('\n')) return showsError(said) && !answer.includes(said.trim()) ? 'corrected' : 'continued';
  return judgePasted(said, answer, asked);
}

/** The text of the user messages behind the last answer: the question that is to be answered now. */
export function lastQuestion(messages: readonly SaidMessage[]): string {
  const answerAt = messages.findLastIndex(({ role }) => role === 'assistant');
  return textOfUsers(messages, answerAt + 1, messages.length);
}

/** Whether what is to be answered now is words, with nothing attached. */
export function isTextAlone(messages: readonly SaidMessage[]): boolean {
  return !hasMoreThanText(
    messages,
    messages.findLastIndex(({ role }) => role === 'assistant'),
  );
}

/** What was asked last before the answer, the steps of an agent left out. */
function questionBefore(messages: readonly SaidMessage[], answerAt: number): string {
  let end = answerAt;
  while (end > 0 && messages[end - 1]?.role !== 'user') end--;
  let start = end;
  while (start > 0 && messages[start - 1]?.role === 'user') start--;
  return bounded(textOfUsers(messages, start, end));
}

/**
 * "Continue" said again asks for more, and so does "And why is that?", which speaks of what was said in between: short words,
 * and what the conversation is about was asked before.
 */
function isBidding(said: string, question: string, messages: readonly SaidMessage[]): boolean {
  const first = messages.find(({ role }) => role === 'user');
  const longest = /[?？؟]/.test(said) ? LONGEST_BIDDING.asked : LONGEST_BIDDING.told;
  return said.length < longest && textOf(first?.content) !== question;
}

/** Lines that stand in the answer are a quotation; what remains is what is said of it. */
function judgePasted(said: string, answer: string, asked: boolean): NextMessage {
  const lines = said.split('\n', MOST_LINES);
  const error = showsError(said);
  // Of many lines a few are looked up: who pastes one of that many has pasted more.
  const step = Math.ceil(lines.length / LINES_LOOKED_UP);
  if (!error && !lines.some((line, i) => i % step === 0 && isPasted(line, answer))) return 'continued';
  const own = lines.filter((line) => !isPasted(line, answer));
  if (own.length === lines.length) return error ? 'corrected' : 'continued';
  if (error && showsError(own.join('\n'))) return 'corrected';
  return own.some((line) => line.trim() !== '' && objects(line, asked)) ? 'corrected' : 'continued';
}

function isPasted(line: string, answer: string): boolean {
  let text = line.trim();
  if (text.startsWith('>')) text = text.replace(/^>+\s*/, '');
  return text.length >= SHORTEST_PASTED && answer.includes(text);
}

/** Whether there are images or the like behind the answer. */
const hasMoreThanText = (messages: readonly SaidMessage[], answerAt: number): boolean =>
  messages.some(
    ({ role, content }, i) =>
      i > answerAt &&
      role === 'user' &&
      Array.isArray(content) &&
      content.some((part) => typeof part?.text !== 'string'),
  );

function repeats(said: string, question: string): boolean {
  const shorter = Math.min(said.length, question.length);
  const longer = Math.max(said.length, question.length);
  if (shorter < 2 || shorter < longer * REPEATED * 0.8) return false;
  if (!sharesPieces(said.toLowerCase(), question.toLowerCase())) return false;
  if (shorter > SHORT) return likeness(sketchOf(said, 0), sketchOf(question, 0)) >= REPEATED;
  const one = plain(said);
  const other = plain(question);
  if (Math.min(letters(one), letters(other)) < SHORTEST_REPEATED || asksOn(one)) return false;
  return one === other || sharedOf(one, other) >= REPEATED;
}

/** Looks a few pieces of one up in the other, since most questions are nothing like the one before. */
function sharesPieces(said: string, question: string): boolean {
  if (said.length < 2 * SAMPLES) return true;
  const length = said.length > LONG ? 8 : SHINGLE;
  const step = (said.length - length) / (SAMPLES - 1);
  let found = 0;
  for (let i = 0; i < SAMPLES; i++) {
    const at = Math.floor(i * step);
    if (question.includes(said.slice(at, at + length))) found++;
    else if (found + SAMPLES - i <= SAMPLES / 2) return false;
  }
  return true;
}

const plain = (text: string): string =>
  folded(text)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** A character of Chinese, Japanese or Korean says as much as several letters. */
const letters = (text: string): number =>
  text.length + 2 * (text.match(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g)?.length ?? 0);

/** The share of four-letter shingles that both have of those that either has. */
function sharedOf(one: string, other: string): number {
  const shingles = new Set<string>();
  for (let i = 0; i + SHINGLE <= one.length; i++) shingles.add(one.slice(i, i + SHINGLE));
  const ofOne = shingles.size;
  const common = new Set<string>();
  const ofOther = new Set<string>();
  for (let i = 0; i + SHINGLE <= other.length; i++) {
    const shingle = other.slice(i, i + SHINGLE);
    ofOther.add(shingle);
    if (shingles.has(shingle)) common.add(shingle);
  }
  return common.size / (ofOne + ofOther.size - common.size);
}

const isSystem = (role: string): boolean => role === 'system' || role === 'developer';

function textOfUsers(messages: readonly SaidMessage[], from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    if (messages[i]?.role !== 'user') continue;
    const words = textOf(messages[i]?.content);
    text = text === '' ? words : `${text}\n${words}`;
  }
  return text;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  let text = '';
  for (const part of content) if (typeof part?.text === 'string') text += text === '' ? part.text : `\n${part.text}`;
  return text;
}

const bounded = (text: string): string =>
  text.length <= 2 * READ_AT_EACH_END ? text : `${text.slice(0, READ_AT_EACH_END)}\n${text.slice(-READ_AT_EACH_END)}`;
