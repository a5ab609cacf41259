/** Logs of which the truth is known, for judging the report: a policy's decisions over prompts whose arms' true qualities are known. */
import { weighArms } from '../src/bandit/contenders.ts';
import { drawOne } from '../src/bandit/decide.ts';
import type { Evidence } from '../src/bandit/evidence.ts';
import { emptyFold, foldEntry, OPEN } from '../src/bandit/fold.ts';
import type { PolicyName } from '../src/bandit/policies/index.ts';
import { derivePosterior, type Posterior } from '../src/bandit/posterior.ts';
import { noWorth } from '../src/bandit/sign-sums.ts';
import { type Preference, type Rates, ratesFor } from '../src/bandit/utility.ts';
import { encoder } from '../src/context/encoder.ts';
import { blocksOf, learnByBlock } from '../src/evaluate/learn-by-block.ts';
import type { LoggedDecision } from '../src/evaluate/logged.ts';
import { evidenceOf, type ReplayRow } from '../src/evaluate/replay.ts';
import type { Report, ReportSettings } from '../src/evaluate/report.ts';
import { KINDS } from '../src/evaluate/simulator/kinds.ts';
import { throwScore } from '../src/evaluate/simulator/outcomes.ts';
import { simulate } from '../src/evaluate/simulator/simulate.ts';
import type { World } from '../src/evaluate/simulator/surfaces.ts';
import { distributionOf, type Target, weigh } from '../src/evaluate/targets.ts';

/** Prompts, each as likely as any other to be the next. */
export interface Population {
  rows: readonly ReplayRow[];
  baseline: string;
  /** By row and arm, in [0, 1]. */
  quality: readonly (readonly number[])[];
  /** One answer of an arm to a prompt. */
  score(row: number, arm: number, random: () => number): number;
}

export function simulatedPopulation(world: World, size: number, seed: number): Population {
  const { rows, truth, natures } = simulate({ seed, rows: size, world });
  const quality = rows.map((_, i) => truth.quality.map((ofArm) => ofArm[i]!));
  return {
    rows,
    baseline: world.baseline,
    quality,
    score: (row, arm, random) => {
      const shape = world.scores === 'by kind' ? KINDS[natures[row]!.kind].shape : world.scores;
      return throwScore(shape, quality[row]![arm]!, random);
    },
  };
}

/** Of recorded outcomes: an arm's answer to a prompt is always the one on record. */
export function recordedPopulation(rows: readonly ReplayRow[], baseline: string): Population {
  const quality = rows.map(({ outcomes }) => outcomes.map(({ score }) => score));
  return { rows, baseline, quality, score: (row, arm) => quality[row]![arm]! };
}

export interface LogSettings {
  decisions: number;
  policy: PolicyName;
  prefer: Preference;
  explore: { floor: number; warmup: number };
  /** The part of the requests that goes to an arm by lot. */
  byLot: number;
  /** How likely an answer is to be rated, by its prompt and arm. */
  rated?: (row: ReplayRow, arm: number) => number;
}

const START = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;

/** What a router with this policy would have logged, learning from the arms that it chose. */
export function loggedRun(population: Population, settings: LogSettings, random: () => number): LoggedDecision[] {
  const { policy, prefer, explore, byLot, rated = () => 1 } = settings;
  const { rows, baseline } = population;
  const { arms } = rows[0]!;
  const named = arms.map(({ id }) => ({ id, was: [] }));
  const fold = emptyFold({
    encoder: encoder.id,
    dimensions: encoder.dimensions,
    halfLifeMs: null,
    ...OPEN,
  });
  let posterior: Posterior = derivePosterior(fold, named);
  let rates: Rates = ratesFor(prefer, posterior, arms);
  let derivedAt = 0;
  const log: LoggedDecision[] = [];
  for (let i = 0; i < settings.decisions; i++) {
    // About each tenth more: a posterior for each answer would take most of the time, and change little.
    if (i - derivedAt >= Math.max(1, i / 12)) {
      posterior = derivePosterior(fold, named);
      rates = ratesFor(prefer, posterior, arms);
      derivedAt = i;
    }
    const at = Math.floor(random() * rows.length);
    const row = rows[at]!;
    const { x, promptTokensEstimate } = row;
    const contenders = weighArms({ policy, posterior, arms, baseline, x, promptTokensEstimate, rates, explore });
    const draw = drawOne(contenders, { policy, explore, uniform: Math.floor(random() * 2 ** 32) / 2 ** 32 });
    const chosen =
      random() < byLot ? Math.floor(random() * arms.length) : arms.findIndex(({ id }) => id === draw.chosen);
    const eligible = draw.candidates.map(({ model, propensity }) => ({
      model,
      propensity: (1 - byLot) * propensity + byLot / arms.length,
    }));
    const outcome = { ...row.outcomes[chosen]!, score: population.score(at, chosen, random) };
    const isRated = random() < rated(row, chosen);
    const ofScore = evidenceOf(row, arms[chosen]!.id, outcome, START + i * MINUTE_MS, i);
    const label = isRated ? {} : { quality: null, weight: 0 };
    const evidence: Evidence = { ...ofScore, router: 'logged', share: 0, ...label };
    log.push({
      id: evidence.decisionId,
      version: 1,
      at: evidence.at,
      x,
      promptTokensEstimate,
      eligible,
      chosen: evidence.arm,
      label: evidence,
      failed: false,
      costUsd: outcome.costUsd,
      seconds: outcome.latencySeconds,
      evidence,
    });
    foldEntry(fold, evidence);
  }
  return log;
}

export function reportSettings({ rows, baseline }: Population, targets: readonly Target[]): ReportSettings {
  const arms = rows[0]!.arms.map((arm) => ({ ...arm, was: [] }));
  return { arms, baseline, explore: { floor: 0.02 }, halfLifeMs: null, calibrate: noWorth, targets };
}

/** What is estimated of each target: its true quality over the population, by what it knew before each block, and by the blocks' weights. */
export async function truthsOf(
  targets: readonly Target[],
  report: Report,
  log: readonly LoggedDecision[],
  population: Population,
  settings: ReportSettings,
): Promise<number[]> {
  const { known } = await learnByBlock(log, blocksOf(log.length), settings, async () => {});
  const truths = targets.map(() => 0);
  for (const [i, row] of population.rows.entries()) {
    const eligible = row.arms.map(({ id }) => ({ model: id, propensity: 1 / row.arms.length }));
    const asked = { ...log[0]!, x: row.x, promptTokensEstimate: row.promptTokensEstimate, eligible };
    for (const [block, before] of known.entries()) {
      const weighed = weigh(asked, before);
      for (const [t, target] of targets.entries()) {
        const weight = report.targets[t]!.timeWeights[block] ?? 0;
        if (!(weight > 0)) continue;
        const wanted = distributionOf(target, asked, weighed, before);
        for (const [k, part] of wanted.entries())
          truths[t] = truths[t]! + (weight * part * population.quality[i]![k]!) / population.rows.length;
      }
    }
  }
  return truths;
}
