/** A report as the API and the command line give it. */

import type { Measured } from './judge.ts';
import { type Interval, LEAST_EFFECTIVE_SIZE } from './off-policy.ts';
import type { TargetReport } from './report.ts';
import type { RouterReport } from './router-report.ts';

export type ReportJson = ReturnType<typeof reportJson>;

export function reportJson(report: RouterReport) {
  const { router, baseline, read, counted, judged, excluded, labels, relativeTo, isCut } = report;
  const labelled = counted - labels.none;
  return {
    object: 'router.report' as const,
    router: router.name,
    policy: router.policy,
    prefer: router.prefer,
    baseline,
    from: seconds(report.from),
    to: seconds(report.to),
    /** Whether there are earlier decisions, too many for one report. */
    earlier_left_out: isCut,
    decisions: { read, counted, judged, excluded },
    labels: { ...labels, share: counted > 0 ? labelled / counted : 0 },
    relative_to: relativeTo,
    confidence: 0.95,
    least_effective_size: LEAST_EFFECTIVE_SIZE,
    targets: report.targets.map((target) => ({
      name: target.name,
      effective_size: round(target.effectiveSize),
      covered_share: round(target.coveredShare),
      time_weights: target.timeWeights.map(round),
      verdict: verdictOf(target),
      estimates: target.estimates && {
        quality: measured(target.estimates.quality),
        cost_usd: measured(target.estimates.costUsd),
        seconds: target.estimates.seconds && measured(target.estimates.seconds),
      },
      versus_baseline: target.againstBaseline && {
        effective_size: round(target.againstBaseline.effectiveSize),
        quality_difference: interval(target.againstBaseline.qualityDifference),
        savings_usd: interval(target.againstBaseline.savingsUsd),
        savings_share: target.againstBaseline.savingsShare && interval(target.againstBaseline.savingsShare),
      },
    })),
  };
}

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));
const round = (value: number): number => Number(value.toPrecision(5));
const interval = ({ mean, low, high }: Interval): Interval => ({
  mean: round(mean),
  low: round(low),
  high: round(high),
});
const measured = ({ snips, doublyRobust }: Measured) => ({
  snips: interval(snips),
  doubly_robust: interval(doublyRobust),
});

function verdictOf({ estimates, effectiveSize, coveredShare }: TargetReport): string {
  if (!estimates) {
    return (
      `the log cannot tell: it has a size of ${Math.floor(effectiveSize)} for this, and it takes ` +
      `${LEAST_EFFECTIVE_SIZE}. It hardly ever chose so, or hardly ever learned how good that was.`
    );
  }
  return coveredShare < 0.995
    ? `told from ${Math.round(100 * coveredShare)}% of the time: in the rest the log hardly ever chose so`
    : 'told from the whole time';
}
