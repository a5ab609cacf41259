/** Writes prompts: of a kind, in a language, and as hard as they look. */
import type { ContextInput } from '../../context/text.ts';
import { normal, pick, pickWeighted } from '../dice.ts';
import { KIND_NAMES, KINDS, type Kind, LANGUAGE_NAMES, LANGUAGE_PARTS, type Language } from './kinds.ts';
import { chinese } from './languages/chinese.ts';
import { english } from './languages/english.ts';
import { french } from './languages/french.ts';
import { german } from './languages/german.ts';
import { type Phrases, SHARED } from './languages/language.ts';
import { spanish } from './languages/spanish.ts';
import { fill } from './template.ts';

/** What a prompt is, beside its words. Both difficulties are standard normal. */
export interface Nature {
  kind: Kind;
  language: Language;
  /** Shows in how much material the prompt holds. */
  visible: number;
  /** Does not show at all. */
  hidden: number;
}

/** Parts of the traffic by kind; the usual ones of `KINDS` where a kind is left out. */
export type Mix = Readonly<Partial<Record<Kind, number>>>;

const PHRASES: Readonly<Record<Language, Phrases>> = { english, german, spanish, french, chinese };

export function drawNature(mix: Mix, random: () => number): Nature {
  const kinds = KIND_NAMES.map((kind) => mix[kind] ?? KINDS[kind].part);
  return {
    kind: KIND_NAMES[pickWeighted(kinds, random)]!,
    language: LANGUAGE_NAMES[pickWeighted(languageParts, random)]!,
    visible: normal(random),
    hidden: normal(random),
  };
}

const languageParts = LANGUAGE_NAMES.map((language) => LANGUAGE_PARTS[language]);

const WITH_SYSTEM = 0.3;
const WITH_EARLIER_TURNS = 0.18;
const WITH_JSON_FORMAT = 0.5;
const MOST_PIECES = 60;

export function writePrompt(nature: Nature, random: () => number): ContextInput {
  const { kind, language } = nature;
  const { systems, lists, answers, follows } = PHRASES[language];
  const messages: { role: string; content: string }[] = [];
  if (random() < WITH_SYSTEM) messages.push({ role: 'system', content: fill(pick(systems, random), lists, random) });
  let follow = '{ask}';
  while (random() < WITH_EARLIER_TURNS) {
    messages.push({ role: 'user', content: follow.replace('{ask}', () => ask(nature, random)) });
    messages.push({ role: 'assistant', content: fill(pick(answers, random), lists, random) });
    follow = fill(pick(follows, random), lists, random);
  }
  messages.push({ role: 'user', content: follow.replace('{ask}', () => ask(nature, random)) });
  return {
    messages,
    ...(kind === 'tools' && { tools: tools(random) }),
    ...(kind === 'extraction' && random() < WITH_JSON_FORMAT && { response_format: { type: 'json_object' } }),
  };
}

function ask({ kind, language, visible }: Nature, random: () => number): string {
  const { lists, kinds } = PHRASES[language];
  const { asks, pieces, between } = kinds[kind];
  const count = Math.min(MOST_PIECES, Math.max(1, Math.round(KINDS[kind].pieces * Math.exp(0.6 * visible))));
  const material = Array.from({ length: count }, () => fill(pick(pieces, random), lists, random)).join(between);
  // A function, since what is put in may hold a `$`.
  return fill(pick(asks, random), lists, random).replace('{pieces}', () => material);
}

const MOST_TOOLS = 5;

function tools(random: () => number): unknown[] {
  return Array.from({ length: 1 + Math.floor(random() * MOST_TOOLS) }, () => ({
    type: 'function',
    function: {
      name: fill('{fn}', SHARED, random),
      description: fill('{verb} {noun} of {company}, at most {n} a call', SHARED, random),
      parameters: {
        type: 'object',
        properties: {
          [fill('{column}', SHARED, random)]: { type: 'string' },
          [pick(NUMBERED, random)]: { type: 'number' },
        },
      },
    },
  }));
}

const NUMBERED = ['limit', 'page', 'people', 'price', 'distance'] as const;
