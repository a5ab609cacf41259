/** From a router's log to what other policies and preferences would have done: bandit feedback alone, with intervals. */

import { type AgainstBaseline, compare, type Judgement, judge } from './judge.ts';
import { failingOf, type KnownLabel, labellingOf, labelOf } from './known-labels.ts';
import { layOver } from './lay-over.ts';
import { blocksOf, type LearningSettings, learnByBlock } from './learn-by-block.ts';
import type { LoggedDecision } from './logged.ts';
import type { Target } from './targets.ts';

export interface ReportSettings extends LearningSettings {
  /** Always the baseline among them, or nothing is compared. */
  targets: readonly Target[];
}

export interface TargetReport extends Judgement {
  name: string;
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
  relativeTo: 'explicit feedback' | 'implicit signals';
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

  const laid = await layOver(log, { blocks, known, labels, labelling, failing, targets: settings.targets }, pause);
  const baselineAt = settings.targets.findIndex((one) => one.kind === 'always' && one.arm === settings.baseline);
  const baseline = laid[baselineAt] ?? null;
  const targets: TargetReport[] = [];
  for (const [t, { name }] of settings.targets.entries()) {
    const told = await judge(laid[t]!, blocks, pause);
    const againstBaseline = baseline && t !== baselineAt ? await compare(laid[t]!, baseline, blocks, pause) : null;
    targets.push({ name, ...told, againstBaseline });
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

function countLabels(all: readonly KnownLabel[]): Pick<Report, 'labels' | 'relativeTo'> {
  const labels = { explicit: 0, implicit: 0, failures: 0, none: 0 };
  const worth = { ...labels };
  for (const { kind, weight } of all) {
    labels[kind]++;
    worth[kind] += weight;
  }
  return { labels, relativeTo: worth.implicit > worth.explicit ? 'implicit signals' : 'explicit feedback' };
}
