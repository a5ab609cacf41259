/** Counts what happened in the demo, and compares it with what each model alone would have come to on the same requests. */
import { answerTokens, costOf, type Kind, type Language, MODELS, type SimulatedModel, trueQuality } from './models.ts';
import { bestFixedModel } from './prompts.ts';
import type { Billed } from './providers.ts';

/** Answers that count as the latest ones. */
export const LATEST = 300;
/** Answers behind each point of the curve. */
const PER_POINT = 100;

interface Served {
  model: SimulatedModel;
  kind: Kind;
  language: Language;
}

export interface Reactions {
  up: number;
  down: number;
  regenerated: number;
  continued: number;
  left: number;
}

export interface Money {
  /** USD billed. */
  spent: number;
  /** USD that each model alone would have billed, by name. */
  alone: Readonly<Record<string, number>>;
}

export interface Qualities {
  /** Mean true quality of what was served. */
  served: number;
  bestFixed: number;
  random: number;
}

export interface Tally {
  readonly reactions: Reactions;
  served(served: Served): void;
  billed(billed: Billed): void;
  failed(what: string): void;
  readonly requests: number;
  readonly failures: number;
  readonly lastFailure: string | null;
  /** Requests that came from outside the simulation. */
  readonly visitors: number;
  /** How many are in the window. */
  readonly latest: number;
  /** Of the latest answers, of one kind or all; by the model's name, in [0, 1]. */
  shares(kind?: Kind): Record<string, number>;
  /** Null until there is an answer. */
  qualities(): Qualities | null;
  /** Mean true quality of each hundred answers, the first first. */
  curve(): readonly number[];
  money(): Money;
}

/** Requests of the simulated people say so in `user`. */
export const PERSON_PREFIX = 'simulated-person-';

export function createTally(): Tally {
  const latest: Served[] = [];
  const points: number[] = [];
  let point = { sum: 0, count: 0 };
  let requests = 0;
  let visitors = 0;
  let spent = 0;
  const alone = Object.fromEntries(MODELS.map(({ name }) => [name, 0]));
  const failures: { count: number; last: string | null } = { count: 0, last: null };
  const bestFixed = bestFixedModel();

  return {
    reactions: { up: 0, down: 0, regenerated: 0, continued: 0, left: 0 },
    served(one) {
      requests++;
      latest.push(one);
      if (latest.length > LATEST) latest.shift();
      point.sum += trueQuality(one.model, one.kind, one.language);
      point.count++;
      if (point.count === PER_POINT) {
        points.push(point.sum / PER_POINT);
        point = { sum: 0, count: 0 };
      }
    },
    billed({ model, prompt, promptTokens, completionTokens, part, user }) {
      if (!user?.startsWith(PERSON_PREFIX)) visitors++;
      spent += costOf(model, promptTokens, completionTokens);
      // Another model's answer would have been left at the same part of its length.
      for (const other of MODELS)
        alone[other.name]! +=
          other === model
            ? costOf(model, promptTokens, completionTokens)
            : costOf(other, promptTokens, part * answerTokens(other, prompt));
    },
    failed(what) {
      failures.count++;
      failures.last = what;
    },
    get requests() {
      return requests;
    },
    get failures() {
      return failures.count;
    },
    get lastFailure() {
      return failures.last;
    },
    get visitors() {
      return visitors;
    },
    get latest() {
      return latest.length;
    },
    shares(kind) {
      const among = kind ? latest.filter((one) => one.kind === kind) : latest;
      return Object.fromEntries(
        MODELS.map((model) => [
          model.name,
          among.length === 0 ? 0 : among.filter((one) => one.model === model).length / among.length,
        ]),
      );
    },
    qualities() {
      if (latest.length === 0) return null;
      const mean = (of: (one: Served) => number): number =>
        latest.reduce((sum, one) => sum + of(one), 0) / latest.length;
      const random = ({ kind, language }: Served): number =>
        MODELS.reduce((sum, model) => sum + trueQuality(model, kind, language), 0) / MODELS.length;
      return {
        served: mean(({ model, kind, language }) => trueQuality(model, kind, language)),
        bestFixed: mean(({ kind, language }) => trueQuality(bestFixed, kind, language)),
        random: mean(random),
      };
    },
    curve: () => points,
    money: () => ({ spent, alone: { ...alone } }),
  };
}
