/**
 * The simulated models: how good, how long, how fast and how dear each one is. Invented figures, for a demo: they
 * describe no real model. No model is the best everywhere, and the best all-rounder is the dearest.
 */
import { createDice, seedOf } from './dice.ts';

export const PROVIDER = 'simulated';

export const KINDS = ['code', 'maths', 'writing', 'extraction'] as const;
export type Kind = (typeof KINDS)[number];

export const LANGUAGES = ['en', 'de', 'es', 'fr', 'hi', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Where a model's training in languages shows. */
type Reach = 'english' | 'latin' | 'other';
const REACH: Record<Language, Reach> = {
  en: 'english',
  de: 'latin',
  es: 'latin',
  fr: 'latin',
  hi: 'other',
  zh: 'other',
};

export interface SimulatedModel {
  /** With the provider's name before it. */
  id: string;
  name: string;
  /** USD per million tokens. */
  price: { input: number; output: number };
  /** The chance that a person is content with the answer to an English prompt. */
  quality: Readonly<Record<Kind, number>>;
  /** What other languages take off it. */
  loss: Readonly<Record<Reach, number>>;
  /** Tokens against those of a model that says no more than it has to. */
  verbosity: number;
  firstByteMs: number;
  tokensPerSecond: number;
}

const model = (name: string, rest: Omit<SimulatedModel, 'id' | 'name'>): SimulatedModel => ({
  id: `${PROVIDER}/${name}`,
  name,
  ...rest,
});

export const MODELS: readonly SimulatedModel[] = [
  model('swift-small', {
    price: { input: 0.1, output: 0.4 },
    quality: { code: 0.6, maths: 0.4, writing: 0.97, extraction: 0.72 },
    loss: { english: 0, latin: 0.02, other: 0.2 },
    verbosity: 0.9,
    firstByteMs: 90,
    tokensPerSecond: 260,
  }),
  model('forge-code', {
    price: { input: 0.6, output: 2 },
    quality: { code: 0.97, maths: 0.5, writing: 0.5, extraction: 0.7 },
    loss: { english: 0, latin: 0.05, other: 0.15 },
    verbosity: 1,
    firstByteMs: 180,
    tokensPerSecond: 170,
  }),
  model('format-mid', {
    price: { input: 0.7, output: 2.2 },
    quality: { code: 0.65, maths: 0.55, writing: 0.7, extraction: 0.97 },
    loss: { english: 0, latin: 0, other: 0 },
    verbosity: 1,
    firstByteMs: 220,
    tokensPerSecond: 140,
  }),
  model('grand-large', {
    price: { input: 5, output: 20 },
    quality: { code: 0.84, maths: 0.96, writing: 0.86, extraction: 0.85 },
    loss: { english: 0, latin: 0, other: 0.03 },
    verbosity: 1.2,
    firstByteMs: 420,
    tokensPerSecond: 90,
  }),
];

const byName = new Map(MODELS.flatMap((one) => [[one.id, one] as const, [one.name, one] as const]));

/** By id, or by the name that goes upstream. */
export const findModel = (idOrName: string): SimulatedModel | null => byName.get(idOrName) ?? null;

/** The chance, in [0, 1], that a person is content with this model's answer. */
export function trueQuality(model: SimulatedModel, kind: Kind, language: Language): number {
  return Math.max(0, model.quality[kind] - model.loss[REACH[language]]);
}

/** A token of ordinary text is about four characters long. */
export const tokensIn = (text: string): number => Math.max(1, Math.ceil(text.length / 4));

/** The same for the same prompt each time: so it is known what any model's answer to it would have cost. */
export function answerTokens(model: SimulatedModel, prompt: string): number {
  const dice = createDice(seedOf(prompt));
  return Math.round(dice.between(50, 140) * model.verbosity);
}

/** USD. */
export const costOf = (model: SimulatedModel, promptTokens: number, completionTokens: number): number =>
  (model.price.input * promptTokens + model.price.output * completionTokens) / 1e6;
