/** One decision: each arm's score, the distribution that follows, and one draw from it. */

import type { Candidate, Contender } from './contender.ts';
import { type WeighInput, weighArms } from './contenders.ts';
import { chancesOfBeingHighest } from './highest.ts';
import { POLICIES } from './policies/index.ts';
import { ownUniform } from './quantiles.ts';
import { quantileOf } from './scores.ts';

export type { Candidate } from './contender.ts';

export interface DrawInput extends Pick<WeighInput, 'policy' | 'explore'> {
  /** The decision's one draw, uniform in [0, 1). */
  uniform: number;
}

export interface DecideInput extends WeighInput, DrawInput {
  arms: readonly (WeighInput['arms'][number] & { eligible: boolean })[];
}

export interface Draw {
  chosen: string;
  reason: 'warmup' | 'explore' | 'exploit' | 'only-eligible';
  propensity: number;
  candidates: Candidate[];
}

/** Throws when no arm is eligible. */
export function decide(input: DecideInput): Draw {
  const contenders = weighArms(input);
  for (const [k, { candidate }] of contenders.entries()) candidate.eligible = input.arms[k]!.eligible;
  return drawOne(contenders, input);
}

/**
 * Draws one of the eligible, and throws when there is none. Each arm draws its score by its own quantile, and whatever
 * compares arms compares with all of the router's: so taking away an arm that was not chosen never changes the choice among
 * the rest.
 */
export function drawOne(all: readonly Contender[], { policy, explore, uniform }: DrawInput): Draw {
  const eligible = all.filter(({ candidate }) => candidate.eligible);
  if (eligible.length === 0) throw new RangeError('no arm is eligible');
  const warming = eligible.filter((contender) => contender.warming);
  let chosen: Contender;
  if (warming.length > 0) {
    for (const { candidate } of warming) candidate.propensity = 1 / warming.length;
    chosen = byLot(warming, uniform);
  } else {
    const { explores, floorForAll } = POLICIES[policy];
    const explored = floorForAll ? eligible : eligible.filter((contender) => contender.uncertain);
    const floor = explores && explored.length > 0 ? Math.min(1, Math.max(0, explore.floor)) : 0;
    const chances = chancesOfBeingHighest(eligible.map(({ score }) => score));
    for (let k = 0; k < eligible.length; k++) eligible[k]!.candidate.propensity = (1 - floor) * chances[k]!;
    if (floor > 0) for (const { candidate } of explored) candidate.propensity += floor / explored.length;
    chosen =
      ownUniform(uniform, ' floor') < floor
        ? byLot(explored, uniform)
        : highest(eligible, ({ score, candidate }) => quantileOf(score, ownUniform(uniform, candidate.model)));
  }

  makeWhole(eligible);
  const { model, propensity } = chosen.candidate;
  const candidates = all.map(({ candidate }) => candidate);
  if (eligible.length === 1) return { chosen: model, reason: 'only-eligible', propensity, candidates };
  const best = highest(eligible, ({ candidate }) => candidate.utility);
  // `fixed` and `cheapest` leave nothing to chance, whatever is believed of the others.
  const isBound = !POLICIES[policy].explores && propensity === 1;
  const reason = warming.length > 0 ? 'warmup' : chosen === best || isBound ? 'exploit' : 'explore';
  return { chosen: model, reason, propensity, candidates };
}

/** Parts of which a probability has some whole number: fewer than the quadrature is exact to, and written in four bytes. */
const PARTS = 2 ** 32;

/** Probabilities as whole parts that are exactly 1 together, none of them less than one part where it was above 0. */
function makeWhole(eligible: readonly Contender[]): void {
  let left = PARTS;
  let likeliest = eligible[0]!.candidate;
  for (let k = 0; k < eligible.length; k++) {
    const { candidate } = eligible[k]!;
    if (candidate.propensity > likeliest.propensity) likeliest = candidate;
  }
  for (let k = 0; k < eligible.length; k++) {
    const { candidate } = eligible[k]!;
    if (candidate === likeliest) continue;
    const parts = candidate.propensity > 0 ? Math.max(1, Math.round(candidate.propensity * PARTS)) : 0;
    candidate.propensity = parts / PARTS;
    left -= parts;
  }
  likeliest.propensity = left / PARTS;
}

/** The other eligible arms, the best first: whom to ask when the chosen one fails. */
export function rankRest({ candidates, chosen }: Draw): string[] {
  const rest: Candidate[] = [];
  for (let k = 0; k < candidates.length; k++) {
    const candidate = candidates[k]!;
    if (!candidate.eligible || candidate.model === chosen) continue;
    // They are few: each is put behind those that are as good.
    let place = rest.length;
    for (; place > 0 && rest[place - 1]!.utility < candidate.utility; place--) rest[place] = rest[place - 1]!;
    rest[place] = candidate;
  }
  return rest.map(({ model }) => model);
}

function byLot(contenders: readonly Contender[], uniform: number): Contender {
  return highest(contenders, ({ candidate }) => ownUniform(uniform, `lot ${candidate.model}`));
}

/** The first with the highest value. */
function highest<T>(items: readonly T[], worth: (item: T) => number): T {
  let best = items[0]!;
  let most = worth(best);
  for (let i = 1; i < items.length; i++) {
    const value = worth(items[i]!);
    if (value > most) {
      best = items[i]!;
      most = value;
    }
  }
  return best;
}
