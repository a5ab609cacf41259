/** One decision: each arm's score, the distribution that follows, and one draw from it. */

import { type Candidate, type Contender, type DecideInput, weighArms } from './contenders.ts';
import { POLICIES } from './policies/index.ts';
import { ownUniform } from './quantiles.ts';
import { chancesOfBeingHighest, quantileOf } from './scores.ts';

export type { Candidate, DecideInput } from './contenders.ts';

export interface Draw {
  chosen: string;
  reason: 'warmup' | 'explore' | 'exploit' | 'only-eligible';
  propensity: number;
  candidates: Candidate[];
}

/**
 * Throws when no arm is eligible. Each arm draws its score by its own quantile, and whatever compares arms compares with
 * all of the router's: so taking away an arm that was not chosen never changes the choice among the rest.
 */
export function decide(input: DecideInput): Draw {
  const all = weighArms(input);
  const eligible = all.filter(({ candidate }) => candidate.eligible);
  if (eligible.length === 0) throw new RangeError('no arm is eligible');
  const candidates = all.map(({ candidate }) => candidate);
  const best = highest(eligible, ({ candidate }) => candidate.utility);

  const warming = eligible.filter((contender) => contender.warming);
  const uncertain = eligible.filter((contender) => contender.uncertain);
  const floor =
    POLICIES[input.policy].explores && uncertain.length > 0 ? Math.min(1, Math.max(0, input.explore.floor)) : 0;
  let chosen: Contender;
  if (warming.length > 0) {
    for (const { candidate } of warming) candidate.propensity = 1 / warming.length;
    chosen = byLot(warming, input.uniform);
  } else {
    const chances = chancesOfBeingHighest(eligible.map(({ score }) => score));
    for (const [k, { candidate }] of eligible.entries()) candidate.propensity = (1 - floor) * chances[k]!;
    for (const { candidate } of uncertain) if (floor > 0) candidate.propensity += floor / uncertain.length;
    chosen =
      ownUniform(input.uniform, ' floor') < floor
        ? byLot(uncertain, input.uniform)
        : highest(eligible, ({ score, view }) => quantileOf(score, ownUniform(input.uniform, view.id)));
  }

  const { model, propensity } = chosen.candidate;
  if (eligible.length === 1) return { chosen: model, reason: 'only-eligible', propensity, candidates };
  const reason = warming.length > 0 ? 'warmup' : chosen === best ? 'exploit' : 'explore';
  return { chosen: model, reason, propensity, candidates };
}

/** The other eligible arms, the best first: whom to ask when the chosen one fails. */
export function rankRest(draw: Draw): string[] {
  return draw.candidates
    .filter(({ eligible, model }) => eligible && model !== draw.chosen)
    .sort((one, other) => other.utility - one.utility)
    .map(({ model }) => model);
}

function byLot(contenders: readonly Contender[], uniform: number): Contender {
  return highest(contenders, ({ view }) => ownUniform(uniform, `lot ${view.id}`));
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
