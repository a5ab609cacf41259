/**
 * Tells whether somebody says that an answer is wrong, does not work or missed the question: by one pattern for each script
 * out of the phrases of all its languages, matched where a sentence begins or where it ends.
 */
import { alternativesOf, beginningsOf } from './first-letters.ts';
import { folded } from './folded.ts';
import { LANGUAGES, PHRASES, type Phrases } from './objection-phrases.ts';
import { type Script, scriptsOf } from './scripts.ts';

/** Words of a question, for languages in which many leave its mark out; they are looked for in the whole sentence. */
const ASKING =
  '吗|呢|为什么|为何|哪|怎么|什么|か$|かな|どこ|なぜ|どうして|何が|क्या|क्यों|कहाँ|कैसे|왜|어디|뭐가|무엇|까$|neden|niye|nerede|почему|зачем|где |чому|למה|איפה|لماذا|أين|هل |γιατί';

/** Scripts that put no space, or not always one, between words: what follows a phrase there does not tell whether it has ended. */
const CHINESE = '[\\u3040-\\u30ff\\u3400-\\u9fff]';
const UNSPACED = '[\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af]';
const MARK = '[,.!…:;،؛、。！，：；—–]';

interface Patterns {
  /** One that may stand in front of an objection. What says no needs a mark behind it: "no está mal" is praise. */
  opener: RegExp;
  refusing: RegExp;
  alone: RegExp;
  /** By the letter at which it is looked for. */
  starting: (letter: string) => RegExp;
  ending: RegExp | null;
}

/** Compiled when the first text in the script comes: together they would hold up all requests for a moment. */
const patterns = new Map<Script, Patterns>();

function patternsOf(script: Script): Patterns {
  let those = patterns.get(script);
  if (!those) {
    those = patternsFrom(script);
    patterns.set(script, those);
  }
  return those;
}

const languagesOf = (script: Script): Phrases[] => LANGUAGES[script].map((language) => PHRASES[language] as Phrases);

function patternsFrom(script: Script): Patterns {
  const languages = languagesOf(script);
  const all = (what: keyof Phrases): string => alternationOf(languages.flatMap((phrases) => phrases[what] ?? []));
  const no = `${all('no')}(?= ?(?:${MARK}|$))`;
  return {
    opener: new RegExp(` ?(?:${all('openers')}(?: ?${MARK}+ ?| |(?<=${CHINESE}))|${no} ?${MARK}+ ?)`, 'uy'),
    refusing: new RegExp(`${no}(?! ?${MARK}* ?${all('thanks')})`, 'uy'),
    alone: new RegExp(`${all('alone')}(?= ?(?:${MARK}|$))`, 'uy'),
    starting: STARTING.get(script) as Patterns['starting'],
    ending: languages.some(({ ends }) => ends) ? new RegExp(`${all('ends')}$`, 'u') : null,
  };
}

const alternationOf = (phrases: readonly string[]): string => `(?:${foldedSource(phrases.join('|'))})`;

/** Only what is no escape is folded: a capital one means something else. */
const foldedSource = (source: string): string => source.split('\\S').map(folded).join('\\S');

function startingFrom(source: string): (letter: string) => RegExp {
  const phrases = alternativesOf(source).map((phrase) => ({ phrase, beginnings: beginningsOf(phrase) }));
  const letters = new Set(phrases.flatMap(({ beginnings }) => [...(beginnings ?? [])]));
  const compiled = new Map<string, RegExp>();
  return (letter) => {
    const key = letters.has(letter) ? letter : '';
    let pattern = compiled.get(key);
    if (!pattern) {
      const those = phrases.filter(({ beginnings }) => beginnings === null || beginnings.has(key));
      // None matches nothing.
      const any = those.length === 0 ? '[]' : `(?:${those.map(({ phrase }) => phrase).join('|')})`;
      pattern = new RegExp(`${any}(?:(?<=${UNSPACED})|(?![\\p{L}\\p{N}_]))`, 'uy');
      compiled.set(key, pattern);
    }
    return pattern;
  };
}

/** Sorted while the server starts, and nobody waits. */
const STARTING = new Map(
  (Object.keys(LANGUAGES) as Script[]).map((script) => [
    script,
    startingFrom(
      languagesOf(script)
        .map(({ starts }) => foldedSource(starts))
        .join('|'),
    ),
  ]),
);

const MOST_OPENERS = 4;
const QUESTION = new RegExp(folded(ASKING), 'u');
/** "No. 5". */
const NUMBER = /^\s*no\. ?\d/i;
const DISLIKE = /^\s*(?:👎|❌|😡|🤦)/u;

/** Sentences of a message that are looked at, where it is short; of a longer one the first alone. */
const SENTENCES = 3;
const SHORT_MESSAGE = 300;
const LONGEST_SENTENCE = 200;
const SENTENCE = /[^.!?。！？؟\n]+[.!?。！？؟]*/g;
/** A sentence that ends in an objection is short, or it tells of something else. */
const LONGEST_ENDING = 60;

/**
 * Whether the text says of the answer before it that it is wrong, does not work or missed the question. `asked`: whether that
 * answer asked something, so that a bare "no" is the answer to it.
 */
export function objects(text: string, asked: boolean): boolean {
  if (DISLIKE.test(text)) return true;
  if (NUMBER.test(text)) return false;
  const sentences = text.length <= SHORT_MESSAGE ? text.match(SENTENCE) : firstSentence(text);
  if (sentences === null) return false;
  return sentences.slice(0, SENTENCES).some((sentence, i) => sentenceObjects(sentence, asked, i === 0));
}

function firstSentence(text: string): string[] | null {
  const found = SENTENCE.exec(text.slice(0, LONGEST_SENTENCE + 1));
  SENTENCE.lastIndex = 0;
  return found && [found[0]];
}

function sentenceObjects(text: string, asked: boolean, first: boolean): boolean {
  if (text.length > LONGEST_SENTENCE) return false;
  const sentence = folded(text).replace(/\s+/g, ' ').trim();
  // Some characters are many once they are folded.
  if (sentence.length > LONGEST_SENTENCE) return false;
  const bare = sentence.replace(/[.!。！… ]+$/, '');
  if (bare === '') return false;
  const inScripts = scriptsOf(bare).map(patternsOf);
  const matchesAny = (pattern: 'refusing' | 'alone', of: string, at: number): boolean =>
    inScripts.some((those) => matchesAt(those[pattern], of, at));
  const starts = (at: number): boolean =>
    inScripts.some(({ starting }) => matchesAt(starting(bare.charAt(at)), bare, at));
  if (first && !asked && matchesAny('refusing', sentence, 0)) return true;
  const isQuestion = /[?？؟]$/.test(sentence);
  let at = 0;
  for (let openers = 0; openers <= MOST_OPENERS; openers++) {
    if (!asked && matchesAny('alone', sentence, at)) return true;
    if (!isQuestion && starts(at)) return !QUESTION.test(bare);
    // Taken one by one: a pattern that took them all would try all ways to take them.
    const found = inScripts.find(({ opener }) => matchesAt(opener, bare, at));
    if (!found) break;
    at = found.opener.lastIndex;
  }
  if (isQuestion || bare.length > LONGEST_ENDING) return false;
  return inScripts.some(({ ending }) => ending?.test(bare)) && !QUESTION.test(bare);
}

function matchesAt(pattern: RegExp, text: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}
