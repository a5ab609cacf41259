/** Runs a policy over recorded outcomes, as a router would: it sees the outcome of the arm that it chose, and of no other. */
import { weighArms } from '../bandit/contenders.ts';
import { drawOne } from '../bandit/decide.ts';
import type { Evidence } from '../bandit/evidence.ts';
import { emptyFold, type Fold, foldEntry, OPEN } from '../bandit/fold.ts';
import { type Guarantee, holdBack } from '../bandit/guarantee.ts';
import {
  fillingPaceTable,
  keepWithin,
  moneyPrice,
  PACED_BY,
  type PaceTable,
  targetOf,
  withMoneyPrice,
} from '../bandit/pacing.ts';
import { POLICIES, type PolicyName } from '../bandit/policies/index.ts';
import { derivePosterior, type NamedArm, type Posterior } from '../bandit/posterior.ts';
import { recentRequests } from '../bandit/recent-requests.ts';
import { noWorth } from '../bandit/sign-sums.ts';
import { finished } from '../bandit/steps.ts';
import { toldOf } from '../bandit/told-change.ts';
import { type Preference, type Price, type Rates, ratesFor } from '../bandit/utility.ts';
import { encoder } from '../context/encoder.ts';
import { estimatePromptTokens } from '../context/tokens.ts';
import type { Recorded, RecordedOutcome, RecordedPrompt } from './recorded.ts';

/** An arm as it is configured for a request. */
export interface ReplayArm {
  id: string;
  price: Price;
}

/** A request of the replay. Prices, arms and outcomes may be others than those of the row before. */
export interface ReplayRow {
  x: readonly number[];
  promptTokensEstimate: number;
  arms: readonly ReplayArm[];
  /** By the position in `arms`. */
  outcomes: readonly RecordedOutcome[];
}

export interface ReplaySettings {
  policy: PolicyName;
  prefer: Preference;
  explore: { floor: number; warmup: number };
  /** Null: evidence never fades. */
  halfLifeMs: number | null;
  /** Row i comes i / perDay days after the first. */
  perDay: number;
  baseline?: string | undefined;
  /** Names the baseline too. */
  guarantee?: Guarantee | undefined;
  /** An average ceiling in USD; null: none. */
  usdPerRequest?: number | null | undefined;
  /** After a request every arm's outcome is known: what no router gets, and so what the others can be measured by. */
  seesAll?: boolean | undefined;
}

export interface ReplayRun {
  /** By row: the position of the arm that was chosen, its score, and what it cost in USD. */
  chosen: Int16Array;
  scores: Float64Array;
  costs: Float64Array;
}

/** What a prompt is to a router. Encoded once, since the same rows are replayed many times. */
export function rowOf({ input, outcomes }: RecordedPrompt, arms: readonly ReplayArm[]): ReplayRow {
  return { x: encoder.encode(input), promptTokensEstimate: estimatePromptTokens(input), arms, outcomes };
}

export const rowsOf = ({ models, prompts }: Recorded): ReplayRow[] => prompts.map((prompt) => rowOf(prompt, models));

const DAY_MS = 864e5;
const START = Date.UTC(2026, 0, 1);
/** The more is known, the less one label moves: a posterior is derived for each of the first, and then for several at once. */
const dueAfter = (entries: number): number => 1 + Math.floor(entries / 200);

/** `warmUp`: rows of which every arm's outcome is known before the first request. */
export function replay(
  rows: readonly ReplayRow[],
  settings: ReplaySettings,
  random: () => number,
  warmUp: readonly ReplayRow[] = [],
): ReplayRun {
  const run: ReplayRun = {
    chosen: new Int16Array(rows.length),
    scores: new Float64Array(rows.length),
    costs: new Float64Array(rows.length),
  };
  const learner = createReplayLearner(settings);
  for (const [i, row] of warmUp.entries()) {
    const at = START + ((i - warmUp.length) / settings.perDay) * DAY_MS;
    for (const [k, arm] of row.arms.entries()) learner.see(row, arm.id, row.outcomes[k]!, at);
  }
  const usdPerRequest = settings.usdPerRequest ?? null;
  let spentUsd = 0;
  for (const [i, row] of rows.entries()) {
    const { posterior, rates, table } = learner.current(row.arms);
    const pace = usdPerRequest === null ? null : targetOf(usdPerRequest, { requests: i, usd: spentUsd });
    const { policy, explore, guarantee, baseline = guarantee?.baseline } = settings;
    const contenders = weighArms({
      policy,
      posterior,
      arms: row.arms,
      baseline,
      x: row.x,
      promptTokensEstimate: row.promptTokensEstimate,
      rates: pace && table ? withMoneyPrice(rates, moneyPrice(table, pace.targetUsd)) : rates,
      explore,
    });
    if (guarantee && posterior.surplus) holdBack(contenders, guarantee, posterior.surplus, row.x, learner.owed);
    if (pace) keepWithin(contenders, pace, explore.warmup);
    const { chosen } = drawOne(contenders, { policy, explore, uniform: Math.floor(random() * 2 ** 32) / 2 ** 32 });
    const k = row.arms.findIndex(({ id }) => id === chosen);
    const outcome = row.outcomes[k]!;
    run.chosen[i] = k;
    run.scores[i] = outcome.score;
    run.costs[i] = outcome.costUsd;
    spentUsd += outcome.costUsd;
    if (posterior.surplus) learner.owed += posterior.surplus.risk(chosen, row.x);
    const at = START + (i / settings.perDay) * DAY_MS;
    for (const [j, { id }] of row.arms.entries()) {
      if (settings.seesAll || j === k) learner.see(row, id, row.outcomes[j]!, at);
    }
  }
  return run;
}

interface ReplayLearner {
  /** What answers since the last posterior may have taken off the surplus. */
  owed: number;
  /** `table` is null where there is no ceiling. */
  current(arms: readonly ReplayArm[]): { posterior: Posterior; rates: Rates; table: PaceTable | null };
  see(row: ReplayRow, arm: string, outcome: RecordedOutcome, at: number): void;
}

function createReplayLearner({
  policy,
  halfLifeMs,
  prefer,
  guarantee,
  usdPerRequest,
  seesAll,
}: ReplaySettings): ReplayLearner {
  const fold: Fold = emptyFold({
    encoder: encoder.id,
    dimensions: encoder.dimensions,
    halfLifeMs,
    ...OPEN,
  });
  // What a budget or a guarantee rules out depends on what was learned, whoever chooses among the rest.
  const isPaced = (usdPerRequest ?? null) !== null;
  const learns = POLICIES[policy].learns !== false || guarantee !== undefined || isPaced;
  let derived: ReturnType<ReplayLearner['current']> | null = null;
  let derivedFor: readonly ReplayArm[] = [];
  let derivedAt = 0;
  let count = 0;
  return {
    owed: 0,
    current(arms) {
      if (derived && derivedFor === arms && fold.entries - derivedAt < dueAfter(fold.entries)) return derived;
      const named: NamedArm[] = arms.map(({ id }) => ({ id, was: [] }));
      const posterior = lastingPosterior(fold, () => derivePosterior(fold, named, noWorth, guarantee));
      this.owed = 0;
      const rates = ratesFor(prefer, posterior, arms);
      const table = isPaced
        ? finished(
            fillingPaceTable(posterior, arms, rates, recentRequests(fold, PACED_BY * (seesAll ? arms.length : 1))),
          )
        : null;
      derived = { posterior, rates, table };
      derivedFor = arms;
      derivedAt = fold.entries;
      return derived;
    },
    see(row, arm, outcome, at) {
      if (learns) foldEntry(fold, evidenceOf(row, arm, outcome, at, count++));
    },
  };
}

/** Has the log told of each change that is noticed, as a router does (`routing/learner.ts`): else it is forgotten again. */
function lastingPosterior(fold: Fold, derive: () => Posterior): Posterior {
  let posterior = derive();
  for (const { arm } of posterior.changes) {
    const change = posterior.changes.find((one) => one.arm === arm);
    const told = change ? toldOf(fold, change) : null;
    if (!told) continue;
    foldEntry(fold, told);
    posterior = derive();
  }
  return posterior;
}

/** What a decision teaches whose answer was rated by its score. `count` tells it from the others. */
export function evidenceOf(row: ReplayRow, arm: string, outcome: RecordedOutcome, at: number, count: number): Evidence {
  const totalMs = outcome.latencySeconds === null ? null : outcome.latencySeconds * 1000;
  return {
    decisionId: `row-${count}`,
    revision: 1,
    at,
    router: 'replay',
    arm,
    encoder: encoder.id,
    x: row.x,
    quality: outcome.score,
    weight: 1,
    shown: 0,
    next: 0,
    share: 1,
    earlier: null,
    promptTokensEstimate: row.promptTokensEstimate,
    promptTokens: outcome.promptTokens,
    completionTokens: outcome.completionTokens,
    cachedShare: null,
    worthBefore: null,
    costUsd: outcome.costUsd,
    firstByteMs: null,
    totalMs,
  };
}
