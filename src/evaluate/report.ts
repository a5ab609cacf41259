/** From a router's log to what other policies and preferences would have done: bandit feedback alone, with intervals. */
import { failingOf, type KnownLabel, labellingOf, labelOf } from './known-labels.ts';
import { BETWEEN_PAUSES, blocksOf, type LearningSettings, learnByBlock } from './learn-by-block.ts';
import type { LoggedDecision } from './logged.ts';
import {
  difference,
  doublyRobust,
  type Estimate,
  effectiveSize,
  emptyOverlap,
  type Interval,
  intervalOf,
  LEAST_EFFECTIVE_SIZE,
  type Overlap,
  putOverlap,
  shareSaved,
  snips,
  timeWeights,
  type Values,
} from './off-policy.ts';
import { distributionOf, type Target, weigh } from './targets.ts';

export interface ReportSettings extends LearningSettings {
  /** Always the baseline among them, or nothing is compared. */
  targets: readonly Target[];
}

/** One measure of one target, estimated both ways. */
export interface Measured {
  snips: Interval;
  doublyRobust: Interval;
}

export type Measure = 'quality' | 'costUsd' | 'seconds';
export const MEASURES: readonly Measure[] = ['quality', 'costUsd', 'seconds'];

/** Against always the baseline, doubly robust. */
export interface AgainstBaseline {
  effectiveSize: number;
  qualityDifference: Interval;
  /** A request. */
  savingsUsd: Interval;
  /** Of what the baseline would have cost; null where that is nothing. */
  savingsShare: Interval | null;
}

export interface TargetReport {
  name: string;
  /** Of the target's own decisions, as many as the log is worth. */
  effectiveSize: number;
  /** The part of the judged decisions in whose time the log could tell of it. */
  coveredShare: number;
  /** By block, the first left out: how much it counts. They add up to 1, where any counts. */
  timeWeights: number[];
  /** Null where the log cannot tell. */
  estimates: Record<Measure, Measured> | null;
  /** Null where the log cannot tell of both, and of the baseline itself. */
  againstBaseline: AgainstBaseline | null;
}

export interface Report {
  /** Milliseconds since 1970; null where nothing counted. */
  from: number | null;
  to: number | null;
  counted: number;
  /** All but those of the first block, which only teach. */
  judged: number;
  /** Of those that counted. */
  labels: { explicit: number; implicit: number; failures: number; none: number };
  relativeTo: 'explicit' | 'implicit signals';
  targets: TargetReport[];
}

/**
 * `decisions`: in any order, each once. `pause` is awaited between steps of some milliseconds, so that a process that serves can
 * do so meanwhile.
 *
 * What is estimated of a target is the mean, over the blocks but the first and by their weights, of what it would have given in
 * requests like those of the log, knowing what the log had taught before the block.
 */
export async function reportOn(
  decisions: readonly LoggedDecision[],
  settings: ReportSettings,
  pause: () => Promise<void>,
): Promise<Report> {
  const log = decisions.slice().sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  const blocks = blocksOf(log.length);
  const { known, worth, fold } = await learnByBlock(log, blocks, settings, pause);
  const arms = known[0]?.arms ?? settings.arms;
  const labels = log.map((decision) => labelOf(decision, fold, worth));
  const labelling = await labellingOf(log, labels, blocks, arms, pause);
  const failing = failingOf(log, blocks, arms);

  const columns = settings.targets.map(() => ({
    overlap: emptyOverlap(log.length),
    values: { quality: emptyValues(log.length), costUsd: emptyValues(log.length), seconds: emptyValues(log.length) },
  }));
  for (const [i, decision] of log.entries()) {
    const block = blocks[i]!;
    if (block < 0) continue;
    if (i % BETWEEN_PAUSES === 0) await pause();
    const before = known[block]!;
    const weighed = weigh(decision, before);
    const { predicted, propensities, chosen } = weighed;
    const { value, weight } = labels[i]!;
    for (const [t, target] of settings.targets.entries()) {
      const { overlap, values } = columns[t]!;
      const wanted = distributionOf(target, decision, weighed, before);
      putOverlap(overlap, i, chosen, wanted, propensities);
      if (target.kind === 'as_logged') {
        // However seldom an arm was tried: it is what it was.
        overlap.weight[i] = 1;
        overlap.spread[i] = 1;
        overlap.missed[i] = 0;
      }
      const put = (of: Values, observed: number, known: number, at: (arm: number) => number): void => {
        of.observed[i] = observed;
        of.known[i] = known;
        of.predicted[i] = at(chosen);
        let sum = 0;
        for (let k = 0; k < wanted.length; k++) if (wanted[k]! > 0) sum += wanted[k]! * at(k);
        of.expected[i] = sum;
      };
      const qualityAt = (k: number): number => predicted[k]!.quality.mean * (1 - failing[block]![k]!);
      put(values.quality, value, weight > 0 ? weight / labelling[i]! : 0, qualityAt);
      put(values.costUsd, decision.costUsd, 1, (k) => predicted[k]!.costUsd);
      const { seconds } = decision;
      put(values.seconds, seconds ?? 0, seconds === null ? 0 : 1, (k) => predicted[k]!.totalMs / 1000);
    }
  }

  const baselineAt = settings.targets.findIndex(
    ({ kind, ...of }) => kind === 'always' && 'arm' in of && of.arm === settings.baseline,
  );
  const baseline = columns[baselineAt];
  const targets: TargetReport[] = [];
  for (const [t, { name }] of settings.targets.entries()) {
    await pause();
    targets.push({
      name,
      ...judge(columns[t]!, blocks),
      againstBaseline: baseline ? against(columns[t]!, baseline, blocks) : null,
    });
  }
  return {
    from: log[0]?.at ?? null,
    to: log.at(-1)?.at ?? null,
    counted: log.length,
    judged: blocks.reduce((count, block) => count + (block < 0 ? 0 : 1), 0),
    ...countLabels(labels),
    targets,
  };
}

interface Column {
  overlap: Overlap;
  values: Record<Measure, Values>;
}

function judge(
  { overlap, values }: Column,
  blocks: Int32Array,
): Pick<TargetReport, 'effectiveSize' | 'coveredShare' | 'timeWeights' | 'estimates'> {
  const h = timeWeights(blocks, [overlap]);
  const size = effectiveSize(h, overlap, values.quality.known);
  const judged = blocks.filter((block) => block >= 0).length;
  const coveredShare = judged > 0 ? h.filter((weight) => weight > 0).length / judged : 0;
  const known = { effectiveSize: size, coveredShare, timeWeights: byBlock(h, blocks) };
  if (size < LEAST_EFFECTIVE_SIZE) return { ...known, estimates: null };
  const measured = (of: Values): Measured => ({
    snips: intervalOf(snips(h, overlap, of)),
    doublyRobust: intervalOf(doublyRobust(h, overlap, of)),
  });
  const estimates = {
    quality: measured(values.quality),
    costUsd: measured(values.costUsd),
    seconds: measured(values.seconds),
  };
  return { ...known, estimates };
}

function byBlock(h: Float64Array, blocks: Int32Array): number[] {
  const sums: number[] = [];
  const all = h.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < h.length; i++)
    if (blocks[i]! >= 0) sums[blocks[i]!] = (sums[blocks[i]!] ?? 0) + h[i]! / (all || 1);
  return sums;
}

/** By the weights that suit both, so that the same times are compared. */
function against(target: Column, baseline: Column, blocks: Int32Array): AgainstBaseline | null {
  if (target === baseline) return null;
  const h = timeWeights(blocks, [target.overlap, baseline.overlap]);
  const size = Math.min(
    ...[target, baseline].map(({ overlap, values }) => effectiveSize(h, overlap, values.quality.known)),
  );
  if (size < LEAST_EFFECTIVE_SIZE) return null;
  const of = ({ overlap, values }: Column, measure: Measure): Estimate => doublyRobust(h, overlap, values[measure]);
  const quality = difference(of(target, 'quality'), of(baseline, 'quality'));
  const cost = of(target, 'costUsd');
  const baselineCost = of(baseline, 'costUsd');
  return {
    effectiveSize: size,
    qualityDifference: intervalOf(quality),
    savingsUsd: intervalOf(difference(baselineCost, cost)),
    savingsShare: baselineCost.mean > 0 ? intervalOf(shareSaved(cost, baselineCost)) : null,
  };
}

const emptyValues = (decisions: number): Values => ({
  observed: new Float64Array(decisions),
  known: new Float64Array(decisions),
  predicted: new Float64Array(decisions),
  expected: new Float64Array(decisions),
});

function countLabels(all: readonly KnownLabel[]): Pick<Report, 'labels' | 'relativeTo'> {
  const labels = { explicit: 0, implicit: 0, failures: 0, none: 0 };
  const worth = { ...labels };
  for (const { kind, weight } of all) {
    labels[kind]++;
    worth[kind] += weight;
  }
  return { labels, relativeTo: worth.implicit > worth.explicit ? 'implicit signals' : 'explicit' };
}
