/** What is believed of each arm after a fold: quality, lengths and times, with how sure one is. Pure and deterministic. */
import { rowOf } from './arm-row.ts';
import { type ArmSums, addedUp, OUTCOMES, type Outcome, outcomeDimensions } from './arm-sums.ts';
import { type NoticedChange, withoutOldSelves } from './changed-arms.ts';
import { type Fold, weightAt } from './fold.ts';
import { countingSurplus, type Guarantee, type Surplus } from './guarantee.ts';
import { type ArmFit, fittingHierarchy, type HierarchyFit, type HierarchyPrior } from './hierarchy.ts';
import { labelledSums, worthOf } from './labelled-sums.ts';
import { LENGTHS, lengthRatios } from './length-ratios.ts';
import { allFinite } from './linear-algebra.ts';
import { believeAt, blankPrediction, expectedOf, highOf, type Prediction, placesIn } from './prediction.ts';
import { OUTCOME_PRIORS, QUALITY_PRIOR } from './priors.ts';
import { recentRequests } from './recent-requests.ts';
import { type Calibrate, noWorth, type SignWorth } from './sign-sums.ts';
import { finished, type Steps } from './steps.ts';
import { emptySums, type Sums } from './sums.ts';

export interface ArmSummary {
  pulls: number;
  /** Of the pulls of all the router's arms. */
  share: number;
  quality: { mean: number; low: number; high: number };
  promptTokens: number;
  outputTokens: number;
  firstByteMs: number;
  totalMs: number;
  /** When it was found to have become another the last time, milliseconds since 1970; null where it never was. */
  changedAt: number | null;
}

export interface Posterior {
  /** Decisions that were rated or followed up, and all decisions, that were folded. */
  readonly labels: number;
  readonly observations: number;
  /** What it was taken to mean that something was seen of an answer. */
  readonly worth: SignWorth;
  /** Arms that have changed, as far as the log does not say so yet. */
  readonly changes: readonly NoticedChange[];
  /** How much more was served than is promised; null where nothing is. */
  readonly surplus: Surplus | null;
  /** The router's usual request. */
  readonly usual: { x: Float64Array; promptTokens: number };
  /** Written into `into`, where it is given: whoever looks at one arm after another needs one prediction only. */
  predict(arm: string, x: Float64Array, promptTokensEstimate: number, into?: Prediction): Prediction;
  /** At the router's usual request. */
  summary(arm: string): ArmSummary;
  /** In [0, 1]: of what the arm's provider might have in its cache the share that it has. */
  cachedShare(arm: string): number;
  /** Beta(a, b) of the arm's quality without context; the prior is Beta(1, 1). */
  betas(arm: string): Betas;
  /** Of the arms' observations. */
  readonly meanObservations: number;
  /** a + b of all arms' betas together. */
  readonly betaTotal: number;
}

export interface Betas {
  readonly a: number;
  readonly b: number;
}

const USUAL_PROMPT_TOKENS = 300;
/** Requests that the assumed usual request is worth. */
const USUAL_WORTH = 10;

interface ArmBelief {
  pulls: number;
  betas: Betas;
  changedAt: number | null;
  cachedShare: number;
  /** As in `Prediction`. */
  observations: number;
  /** How long its latest answers were, against what was predicted. */
  lengthRatio: number;
  row: Float64Array;
}

/** An arm, and the ids under which it gathered evidence before it had this one. */
export interface NamedArm {
  id: string;
  was: readonly string[];
}

/** `calibrate` tells what the signs are worth that were seen of answers. */
export function derivePosterior(
  fold: Fold,
  arms: readonly NamedArm[],
  calibrate: Calibrate = noWorth,
  guarantee: Guarantee | null = null,
): Posterior {
  return finished(derivingPosterior(fold, arms, calibrate, guarantee));
}

/** The same in steps. The fold must stay as it is meanwhile. */
export function* derivingPosterior(
  fold: Fold,
  arms: readonly NamedArm[],
  calibrate: Calibrate = noWorth,
  guarantee: Guarantee | null = null,
): Steps<Posterior> {
  const { dimensions } = fold.settings;
  const scale = 1 / weightAt(fold, fold.newest);
  const sums = arms.map((arm) => sumsOf(fold, arm));
  const worth = worthOf(fold, sums, scale, calibrate);
  const labelled = sums.map((arm) => labelledSums(arm, worth));
  const fits = yield* fitOrPrior(labelled, dimensions, scale, QUALITY_PRIOR);
  const { labelled: known, changes } = withoutOldSelves(fold, arms, sums, labelled, fits, worth, scale);
  const quality = changes.length > 0 ? yield* fitOrPrior(known, dimensions, scale, QUALITY_PRIOR) : fits;
  const outcomes: ArmFit[][] = [];
  for (const outcome of OUTCOMES) {
    const ofOutcome = sums.map((arm) => arm.outcomes[outcome]);
    outcomes.push(yield* fitOrPrior(ofOutcome, outcomeDimensions(outcome, dimensions), scale, OUTCOME_PRIORS[outcome]));
  }
  const beliefs = new Map(
    arms.map(({ id }, k): [string, ArmBelief] => [
      id,
      {
        pulls: sums[k]!.pulls,
        betas: betasOf(known[k]!, scale),
        cachedShare: cachedShareOf(sums[k]!, scale),
        changedAt: changes.find(({ arm }) => arm === id)?.since ?? sums[k]!.changes[0]?.since ?? null,
        observations: counted(labelWeight(sums[k]!) * scale),
        lengthRatio: 1,
        row: rowOf(
          quality[k]!,
          outcomes.map((fits) => fits[k]!),
        ),
      },
    ]),
  );
  const surplus = guarantee && (yield* countingSurplus({ guarantee, arms, sums, labelled, worth, scale }));
  const stranger = (): ArmBelief => {
    throw new RangeError('no such arm');
  };
  const beliefOf = (id: string): ArmBelief => beliefs.get(id) ?? stranger();
  const pulls = sums.reduce((sum, arm) => sum + arm.pulls, 0);
  const usual = usualRequest(sums, dimensions, scale);

  const places = placesIn(dimensions);
  const expectedAt = (row: Float64Array, outcome: Outcome, x: Float64Array): number => {
    const { start, count } = places[outcome];
    return expectedOf(row, start, x, count, OUTCOME_PRIORS[outcome]);
  };
  for (const [id, lengthRatio] of lengthRatios(arms, recentRequests(fold, LENGTHS), (id, x) =>
    expectedAt(beliefOf(id).row, 'outputTokens', x),
  ))
    beliefOf(id).lengthRatio = lengthRatio;
  const predict: Posterior['predict'] = (id, x, promptTokensEstimate, into = blankPrediction()) => {
    const { row, observations, pulls, lengthRatio } = beliefOf(id);
    believeAt(row, x, dimensions, QUALITY_PRIOR, into.quality);
    const totalMs = expectedAt(row, 'totalMs', x);
    into.promptTokens = promptTokensEstimate * expectedAt(row, 'promptRatio', x);
    into.outputTokens = lengthRatio * expectedAt(row, 'outputTokens', x);
    into.highOutputTokens = lengthRatio * highOf();
    // Learned from streams alone, and the total from whole answers too: where the one is a guess, the other bounds it.
    into.firstByteMs = Math.min(expectedAt(row, 'firstByteMs', x), totalMs);
    into.totalMs = totalMs;
    into.observations = observations;
    into.pulls = pulls;
    return into;
  };

  return {
    labels: fold.labels,
    observations: fold.entries,
    worth,
    changes,
    surplus,
    usual,
    predict,
    summary(id) {
      const { quality, observations, ...rest } = predict(id, usual.x, usual.promptTokens);
      const { mean, deviation } = quality;
      const low = Math.max(0, mean - 1.96 * deviation);
      const high = Math.min(1, mean + 1.96 * deviation);
      return {
        ...rest,
        share: pulls > 0 ? rest.pulls / pulls : 0,
        quality: { mean, low, high },
        changedAt: beliefOf(id).changedAt,
      };
    },
    cachedShare: (id) => beliefOf(id).cachedShare,
    betas: (id) => beliefOf(id).betas,
    meanObservations: arms.reduce((sum, { id }) => sum + beliefOf(id).observations, 0) / Math.max(1, arms.length),
    betaTotal: arms.reduce((sum, { id }) => sum + beliefOf(id).betas.a + beliefOf(id).betas.b, 0),
  };
}

/** Decisions of which it is known how good they were, more or less surely: rated ones, and those that something has followed. */
const labelWeight = ({ quality, signs }: ArmSums): number => quality.xx[0]! + signs.followed[0]!;

/** Of an arm under all its ids. */
function sumsOf({ arms, settings }: Fold, { id, was }: NamedArm): ArmSums {
  const known = [...new Set([id, ...was])].flatMap((one) => arms.get(one) ?? []);
  return known.length === 1 ? known[0]! : addedUp(known, settings.dimensions);
}

function betasOf({ xx, xy }: Sums, scale: number): Betas {
  const good = xy[0]! * scale;
  const bad = (xx[0]! - xy[0]!) * scale;
  return { a: 1 + counted(good), b: 1 + counted(bad) };
}

/** Some providers cache everything, some nothing, and one answer that was not cached may have come late: half, worth four. */
const HALF_CACHED = { weight: 4, hits: 2 };
const cachedShareOf = ({ cache }: ArmSums, scale: number): number =>
  Math.min(1, (HALF_CACHED.hits + counted(cache.hits * scale)) / (HALF_CACHED.weight + counted(cache.weight * scale)));

const counted = (sum: number): number => (Number.isFinite(sum) ? Math.max(0, sum) : 0);

/** Beliefs from the sums; an arm whose sums are damaged beyond use is one never seen. */
function* fitOrPrior(sums: readonly Sums[], dimensions: number, scale: number, prior: HierarchyPrior): Steps<ArmFit[]> {
  const fitting = (of: readonly Sums[]): Steps<HierarchyFit> => fittingHierarchy(of, dimensions, scale, prior);
  const fits = yield* soundFits(fitting(sums));
  if (fits) return fits;
  const unseen = emptySums(dimensions);
  const undamaged: Sums[] = [];
  for (const one of sums) undamaged.push((yield* soundFits(fitting([one]))) ? one : unseen);
  return (yield* soundFits(fitting(undamaged))) ?? (yield* fitting(sums.map(() => unseen))).arms;
}

/** Null where there are no numbers to go by. */
function* soundFits(fitting: Steps<HierarchyFit>): Steps<ArmFit[] | null> {
  try {
    const { arms: fits } = yield* fitting;
    const sound = fits.every(
      ({ mean, covariance, ownCovariance }) => allFinite(mean) && allFinite(covariance) && allFinite(ownCovariance),
    );
    return sound ? fits : null;
  } catch {
    return null;
  }
}

/** The mean context, and the prompt length in the middle (the geometric mean), of what the router has been asked. */
function usualRequest(sums: readonly ArmSums[], dimensions: number, scale: number): Posterior['usual'] {
  const x = new Float64Array(dimensions);
  let weight = USUAL_WORTH;
  let logPrompt = USUAL_WORTH * Math.log(USUAL_PROMPT_TOKENS);
  for (const { requests } of sums) {
    weight += requests.weight * scale;
    logPrompt += requests.logPrompt * scale;
    for (let i = 0; i < dimensions; i++) x[i] = x[i]! + requests.x[i]! * scale;
  }
  x[0] = weight;
  const usual = { x: x.map((value) => value / weight), promptTokens: Math.exp(logPrompt / weight) };
  const sound = usual.x.every(Number.isFinite) && Number.isFinite(usual.promptTokens);
  return sound ? usual : { x: x.map((_, i) => (i === 0 ? 1 : 0)), promptTokens: USUAL_PROMPT_TOKENS };
}
