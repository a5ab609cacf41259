import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noRatedSigns } from '../../src/bandit/sign-sums.ts';
import { type Activity, emptyActivity, foldDecision, MOST_LATEST } from '../../src/dashboard/activity.ts';
import { activityJson } from '../../src/dashboard/activity-json.ts';
import { addTime, emptyHistogram, quantileOf } from '../../src/dashboard/histogram.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { type DecisionRecord, firstIdAt, labelOf } from '../../src/stores/decision-record.ts';

const NOW = Date.UTC(2026, 5, 1, 12, 0, 30);
const worth = calibrate({ rated: noRatedSigns(), said: { good: 0, weight: 0 }, pairs: new Map() });

const TERMS = {
  baseline: 'fake/large',
  prices: new Map([
    ['fake/small', { input: 1, output: 2 }],
    ['fake/large', { input: 10, output: 20 }],
  ]),
};

let count = 0;
function decision(more: Partial<DecisionRecord> & { usd?: number; ms?: number } = {}): DecisionRecord {
  const { usd = 0.001, ms = 200, ...rest } = more;
  const created = more.created ?? NOW;
  const model = more.model ?? 'fake/small';
  return {
    id: `${firstIdAt(created)}${String(++count).padStart(20, '0')}`,
    version: 1,
    router: 'auto',
    created,
    call: 'chat/completions',
    key: null,
    chosen: model,
    model,
    reason: 'exploit',
    propensity: 0.5,
    candidates: ['fake/small', 'fake/large'].map((name) => ({
      model: name,
      eligible: true,
      ruledOut: null,
      propensity: 0.5,
      quality: { mean: 0.5, low: 0.4, high: 0.6 },
      costUsd: name === 'fake/large' ? 0.01 : 0.001,
      firstByteMs: 100,
      totalMs: 200,
      utility: 0.5,
    })),
    encoder: 'e',
    x: [1],
    uniform: 0.5,
    cursor: '0',
    promptTokensEstimate: 10,
    attempts: [{ model, outcome: 'completed', status: 200, firstByteMs: ms / 2, totalMs: ms }],
    outcome: {
      kind: 'completed',
      finishReason: 'stop',
      promptTokens: 10,
      completionTokens: 5,
      cachedTokens: null,
      costUsd: usd,
      estimated: false,
    },
    signals: [],
    reward: null,
    label: labelOf(null),
    labelBefore: null,
    turn: 0,
    retry: 0,
    sketch: null,
    prefixTokens: null,
    worthBefore: null,
    completionId: null,
    idempotencyKeys: [],
    ...rest,
  };
}

const rated = (before: DecisionRecord, quality: number): DecisionRecord => ({
  ...before,
  version: before.version + 1,
  label: labelOf(quality),
  labelBefore: before.label,
  reward: quality,
  signals: [{ signal: 'thumbs', source: 'explicit', value: quality, weight: 1, at: NOW }],
});

const folded = (decisions: readonly DecisionRecord[], into = emptyActivity(TERMS)): Activity => {
  for (const one of decisions) foldDecision(into, one, NOW, false);
  return into;
};
const shown = (activity: Activity, since = 0) => activityJson(activity, 'hour', since, worth, NOW);

describe('what the dashboard counts of a log', () => {
  test('is each request once, with its money, its tokens and how it ended', () => {
    const timeout = decision({ model: 'fake/large', created: NOW - 120_000 });
    const { summary, points } = shown(
      folded([
        decision({ usd: 0.002 }),
        decision(),
        {
          ...timeout,
          outcome: { ...timeout.outcome!, kind: 'timeout' },
          attempts: [{ ...timeout.attempts[0]!, outcome: 'timeout' }],
        },
      ]),
    );
    expect(summary).toMatchObject({
      requests: 3,
      usd: 0.004,
      prompt_tokens: 30,
      outcomes: { completed: 2, timeout: 1 },
      failures: 1,
      arms: { 'fake/small': { requests: 2, failures: 0 }, 'fake/large': { requests: 1, failures: 1 } },
    });
    expect(points.map(({ at }) => at)).toEqual([NOW - 150_000, NOW - 30_000]);
  });

  test('is what failed attempts may be billed for the prompt too, at the model that was asked', () => {
    const slow = { model: 'fake/large', outcome: 'timeout', status: 200, firstByteMs: null, totalMs: 1 } as const;
    const answered = { ...slow, model: 'fake/small', outcome: 'completed' } as const;
    const attempts = [{ ...slow, status: null }, { ...slow, outcome: 'upstream_error', status: 500 } as const, slow];
    const { summary } = shown(
      folded([
        decision({ promptTokensEstimate: 1_000, usd: 0.002, attempts: [...attempts, answered] }),
        // Of a model that the config has no more nobody knows what it was billed.
        decision({ promptTokensEstimate: 1_000, usd: 0.002, attempts: [{ ...slow, model: 'fake/gone' }, answered] }),
      ]),
    );
    expect(summary.usd).toBe(0.014);
    expect(summary.arms).toMatchObject({ 'fake/large': { usd: 0.01 }, 'fake/small': { usd: 0.004 } });
  });

  test('counts failed attempts as mended where another then answered, and not where all failed', () => {
    const failed = {
      model: 'fake/large',
      outcome: 'upstream_error',
      status: 500,
      firstByteMs: null,
      totalMs: 1,
    } as const;
    const answered = { ...failed, model: 'fake/small', outcome: 'completed', status: 200 } as const;
    const one = decision();
    const { summary } = shown(
      folded([
        { ...one, chosen: 'fake/large', reason: 'fallback', attempts: [failed, answered] },
        decision({ attempts: [failed, failed], outcome: { ...one.outcome!, kind: 'upstream_error' } }),
      ]),
    );
    expect(summary).toMatchObject({ failures: 3, mended: 1, outcomes: { completed: 1, upstream_error: 1 } });
  });

  test('takes feedback that comes later, changes and comes twice as what was said last', () => {
    const first = decision();
    const up = rated(first, 1);
    const down = rated(up, 0);
    const { summary } = shown(folded([first, up, up, down, up, first]));
    expect(summary.labelled).toEqual({ weight: 1, good: 0 });
    expect(summary.requests).toBe(1);
    expect(summary.signals).toEqual([{ signal: 'thumbs', count: 1, mean: 0 }]);
  });

  test('is the same whichever version of a decision a store hands out, and in whichever order', () => {
    const versions = Array.from({ length: 12 }, (_, i) => {
      const first = decision({ created: NOW - i * 60_000, model: i % 3 ? 'fake/small' : 'fake/large' });
      return [first, rated(first, i % 2), rated(rated(first, i % 2), 0.5)];
    }).flat();
    const latest = versions.filter(({ version }) => version === 3);
    const expected = shown(folded(latest)).summary;
    fc.assert(
      fc.property(fc.shuffledSubarray(versions, { minLength: versions.length }), (order) => {
        expect(shown(folded(order)).summary.labelled).toEqual(expected.labelled);
        expect(shown(folded(order)).summary.arms).toEqual(expected.arms);
      }),
      { numRuns: 50 },
    );
  });

  test('moves the label of a decision that it no longer has open, and counts no request twice', () => {
    const activity = emptyActivity(TERMS);
    const first = decision({ created: NOW - 10_000 });
    const fold = (one: DecisionRecord): void => foldDecision(activity, one, NOW, true, 3);
    for (const one of [first, decision(), decision(), decision(), decision()]) fold(one);
    expect(activity.open.size).toBe(3);
    fold(rated(first, 1));
    const { summary } = shown(activity);
    expect(summary.requests).toBe(5);
    expect(summary.labelled).toEqual({ weight: 1, good: 1 });
  });

  test('leaves out what is older than the time shown, and forgets its buckets', () => {
    const activity = folded([
      decision({ created: NOW - 2 * 3_600_000 }),
      decision({ created: NOW - 3_500_000 }),
      decision(),
    ]);
    expect(shown(activity).summary.requests).toBe(2);
    expect(activityJson(activity, 'day', 0, worth, NOW).summary.requests).toBe(3);
    expect(activityJson(activity, 'hour', 0, worth, NOW + 3_600_000).summary.requests).toBe(0);
    expect(activity.buckets.hour.size).toBe(0);
  });

  test('tells whoever has read it before only what has changed', () => {
    const activity = folded([decision({ created: NOW - 600_000 }), decision()]);
    const before = activity.changes;
    expect(shown(activity, before).points).toEqual([]);
    foldDecision(activity, decision(), NOW, true);
    expect(shown(activity, before).points).toHaveLength(1);
    expect(shown(activity, before).decisions).toHaveLength(1);
  });

  test('keeps the latest decisions alone, the latest first', () => {
    const many = Array.from({ length: MOST_LATEST + 20 }, (_, i) =>
      decision({ created: NOW - ((i * 37) % 200) * 100 }),
    );
    const { decisions } = shown(folded(many));
    expect(decisions).toHaveLength(MOST_LATEST);
    const times = decisions.map(({ at }) => at);
    expect(times).toEqual([...times].sort((one, other) => other - one));
    expect(times.at(-1)).toBeGreaterThanOrEqual([...many].sort((a, b) => b.created - a.created)[MOST_LATEST]!.created);
  });

  test('says what the baseline would have cost, with an interval once the baseline itself has answered often enough', () => {
    const few = shown(folded(Array.from({ length: 50 }, () => decision()))).summary.saved;
    expect(few).toEqual({ usd: 0.45, low: null, high: null, alone_usd: 0.5 });
    // What it was expected to cost was half of what it does.
    const dear = Array.from({ length: 30 }, (_, i) => decision({ model: 'fake/large', usd: i % 2 ? 0.018 : 0.022 }));
    const { saved } = shown(folded([...Array.from({ length: 50 }, () => decision()), ...dear])).summary;
    expect(saved!.alone_usd).toBeCloseTo(1.6, 6);
    expect(saved!.usd).toBeCloseTo(0.95, 6);
    expect(saved!.low).toBeLessThan(0.95);
    expect(saved!.low).toBeGreaterThan(0.85);
  });

  test('weighs what was only seen as the router does: asking again speaks against an answer', () => {
    const seen = (next: number): DecisionRecord =>
      decision({ label: { quality: null, weight: 0, shown: 0, next, share: 1 } });
    const again = shown(folded([seen(4)])).summary.labelled;
    const onwards = shown(folded([seen(3)])).summary.labelled;
    expect(again.good / again.weight).toBeLessThan(onwards.good / onwards.weight);
    expect(again.weight).toBeGreaterThan(0);
    expect(again.weight).toBeLessThan(1);
  });
});

test('a quantile out of the small histogram is within a bin of the true one', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 2, max: 500_000 }), { minLength: 5, maxLength: 200 }), (times) => {
      const histogram = emptyHistogram();
      for (const ms of times) addTime(histogram, ms);
      const sorted = [...times].sort((one, other) => one - other);
      const exact = sorted[Math.ceil(0.5 * times.length) - 1]!;
      const told = quantileOf(histogram, 0.5)!;
      expect(told / exact).toBeGreaterThan(0.8);
      expect(told / exact).toBeLessThan(1.25);
    }),
  );
  expect(quantileOf(emptyHistogram(), 0.5)).toBe(null);
});
