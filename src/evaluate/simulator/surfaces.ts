/** Arms whose expected quality for a prompt is known exactly: a function of what the prompt is. */
import type { Price } from '../../bandit/utility.ts';
import {
  KIND_NAMES,
  KINDS,
  type Kind,
  LANGUAGE_NAMES,
  LANGUAGE_PARTS,
  type Language,
  type ScoreShape,
} from './kinds.ts';
import type { Nature } from './prompts.ts';

export interface SimulatedArm {
  id: string;
  price: Price;
  /** Expected over the usual traffic, in (0, 1). */
  quality: number;
  /** How much better it is at a kind than elsewhere, in deviations of the difficulty. */
  leanings: Readonly<Partial<Record<Kind, number>>>;
  /** What it loses on prompts that are not in English, in the same unit. */
  abroad: number;
  /** How steeply its quality falls with the difficulty. */
  slope: number;
  /** Its answers' length, as a multiple of the usual one. */
  wordiness: number;
  /** Deviation of the logarithm of its answers' length. */
  tail: number;
  /** Its tokens for one of the estimate. */
  tokens: number;
  firstByteSeconds: number;
  tokensPerSecond: number;
}

export interface World {
  arms: readonly SimulatedArm[];
  /** The arm that others are measured against. */
  baseline: string;
  /** False: nothing that can be seen of a prompt bears on any arm's quality. */
  contextual: boolean;
  /** One shape for all, or each kind's own. */
  scores: ScoreShape | 'by kind';
}

/** An arm's expected quality for a prompt, in (0, 1). */
export type Surface = (nature: Nature) => number;

/** Of the difficulty's variance, what shows. */
const VISIBLE = 0.4;

/**
 * The item response of Birnbaum's three-parameter model (Lord 1980, §2.2): `guess + (1 − guess)·logistic(slope·(ability − difficulty))`.
 * The ability is found so that the arm's quality over the usual traffic is what `arm.quality` says. Throws a RangeError where there is
 * none, since guessing alone does better.
 */
export function surfaceOf(arm: SimulatedArm, { contextual }: Pick<World, 'contextual'>): Surface {
  const respond = contextual ? respondInContext(arm) : respondBlindly(arm);
  const ability = abilityFor(arm.quality, respond);
  if (ability === null) throw new RangeError(`no ability gives ${arm.id} a quality of ${arm.quality}`);
  return ({ kind, language, visible, hidden }) =>
    respond(
      ability,
      kind,
      language,
      contextual ? Math.sqrt(VISIBLE) * visible + Math.sqrt(1 - VISIBLE) * hidden : hidden,
    );
}

/** The difficulty is standard normal. */
type Respond = (ability: number, kind: Kind, language: Language, difficulty: number) => number;

function respondInContext({ slope, leanings, abroad }: SimulatedArm): Respond {
  return (ability, kind, language, difficulty) => {
    const { hardness, guess } = KINDS[kind];
    const able = ability + (leanings[kind] ?? 0) - (language === 'english' ? 0 : abroad);
    return guess + (1 - guess) * logistic(slope * (able - hardness - difficulty));
  };
}

const respondBlindly =
  ({ slope }: SimulatedArm): Respond =>
  (ability, _kind, _language, difficulty) =>
    logistic(slope * (ability - difficulty));

const logistic = (z: number): number => 1 / (1 + Math.exp(-z));

const MOST_ABILITY = 12;

function abilityFor(quality: number, respond: Respond): number | null {
  let low = -MOST_ABILITY;
  let high = MOST_ABILITY;
  if (meanOfUsual(respond, low) >= quality || meanOfUsual(respond, high) <= quality) return null;
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    if (meanOfUsual(respond, middle) < quality) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Nodes of the trapezoid rule over a standard normal: its error falls exponentially with their number (Trefethen & Weideman 2014). */
const NODES = Array.from({ length: 17 }, (_, i) => (i - 8) / 2);
const DENSITIES = NODES.map((z) => Math.exp((-z * z) / 2));

/** Over the usual traffic. */
function meanOfUsual(respond: Respond, ability: number): number {
  let sum = 0;
  let all = 0;
  for (const kind of KIND_NAMES) {
    for (const language of LANGUAGE_NAMES) {
      const part = KINDS[kind].part * LANGUAGE_PARTS[language];
      for (const [i, z] of NODES.entries()) {
        sum += part * DENSITIES[i]! * respond(ability, kind, language, z);
        all += part * DENSITIES[i]!;
      }
    }
  }
  return sum / all;
}
