/** The labels that a decision's earlier versions had, with their places in the log: what a fold up to a place has of it. */
import type { Label } from '../../bandit/evidence.ts';
import { labelOf } from '../decision-record.ts';
import { type LabelList, labelIn } from '../durable/rows.ts';

/** Of versions that were kept before there were labels, the reward. */
type PastLabel = [seq: number, label: LabelList | number | null];

/** Nobody changes their mind as often; of whoever does the oldest are forgotten. */
const MOST = 20;

/** `label`: as its column has it; null where the row has its reward alone. */
export function withPastLabel(past: string | null, seq: number, label: string | null, reward: number | null): string {
  const labels: PastLabel[] = [...listIn(past), [seq, label === null ? reward : JSON.parse(label)]];
  return JSON.stringify(labels.slice(-MOST));
}

/** The label of the version that was in the log up to `seq`. */
export function labelUpTo(past: string | null, seq: number): Label {
  const labels = listIn(past);
  const [, label] = labels.findLast(([place]) => place <= seq) ?? labels[0] ?? [0, null];
  return Array.isArray(label) ? labelIn(label) : labelOf(label);
}

const listIn = (past: string | null): PastLabel[] => (past === null ? [] : JSON.parse(past));
