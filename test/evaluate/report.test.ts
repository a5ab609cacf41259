import { describe, expect, test } from 'vitest';
import { loggedRun, reportSettings, simulatedPopulation } from '../../bench/report-log.ts';
import { NO_LABEL } from '../../src/bandit/evidence.ts';
import { createDice } from '../../src/evaluate/dice.ts';
import { loggedOf } from '../../src/evaluate/logged.ts';
import { reportOn } from '../../src/evaluate/report.ts';
import { WORLDS } from '../../src/evaluate/simulator/worlds.ts';
import { AS_LOGGED, always, by, preferring, within } from '../../src/evaluate/targets.ts';
import { calibrate } from '../../src/signals/calibration.ts';
import { NEXT } from '../../src/signals/signs.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { finishedDecision } from '../stores/finished-decision.ts';

const ENCODER = { id: 'hand-1', dimensions: 5 };
const pause = async (): Promise<void> => {};

/** A conversation's first decision, whose arm was drawn and answered. */
function firstDecision(more: Partial<DecisionRecord> = {}): DecisionRecord {
  const made = finishedDecision();
  const candidates = made.candidates.map((candidate, k) => ({
    ...candidate,
    eligible: k < 2,
    ruledOut: null,
    propensity: [0.25, 0.75, 0][k]!,
  }));
  const model = 'openai/small';
  const attempts = [{ ...made.attempts[1]!, model }];
  return { ...made, chosen: model, model, candidates, attempts, turn: 0, retry: 0, ...more };
}

describe('a decision of the log', () => {
  test('counts with the chances that its eligible arms had', () => {
    expect(loggedOf(firstDecision(), ENCODER)).toMatchObject({
      chosen: 'openai/small',
      eligible: [
        { model: 'openai/large', propensity: 0.25 },
        { model: 'openai/small', propensity: 0.75 },
      ],
      failed: false,
      costUsd: 0.00123,
    });
  });

  test.each([
    ['later_turn', { turn: 2 }],
    ['later_turn', { reason: 'sticky' }],
    ['pinned', { reason: 'pinned', router: null }],
    ['deterministic', { reason: 'budget' }],
    ['deterministic', { reason: 'only-eligible' }],
    ['unanswered', { outcome: null }],
    ['unanswered', { attempts: [] }],
    [
      'refused',
      { attempts: [{ model: 'openai/small', outcome: 'upstream_error', status: 400, firstByteMs: null, totalMs: 5 }] },
    ],
    ['other_encoder', { encoder: 'hand-0' }],
  ] as const)('is left out as %s where it has %o', (why, more) => {
    expect(loggedOf(firstDecision(more as Partial<DecisionRecord>), ENCODER)).toBe(why);
  });

  test('whose arm failed is that arm’s failure, whoever answered in its place', () => {
    const fallback = firstDecision({
      model: 'openai/large',
      reason: 'fallback',
      label: { ...NO_LABEL, quality: 1, weight: 1 },
    });
    expect(loggedOf(fallback, ENCODER)).toMatchObject({ chosen: 'openai/small', failed: true });
    const attempts = [
      { model: 'openai/small', outcome: 'upstream_error' as const, status: 503, firstByteMs: null, totalMs: 5 },
    ];
    const outcome = { ...fallback.outcome!, kind: 'upstream_error' as const };
    expect(loggedOf(firstDecision({ attempts, outcome }), ENCODER)).toMatchObject({ failed: true });
  });
});

describe('a report', () => {
  const population = simulatedPopulation(WORLDS['three-prices'], 150, 3);
  const ARMS = population.rows[0]!.arms.map(({ id }) => id);
  const SETTINGS = { decisions: 1_500, prefer: 'balanced', explore: { floor: 0.02, warmup: 8 }, byLot: 0 } as const;
  const byLot = loggedRun(population, { ...SETTINGS, policy: 'random' }, createDice(1));

  test('says of what was logged what it was, and what the cheaper and the better would have saved and cost', async () => {
    const targets = [
      AS_LOGGED,
      ...ARMS.map(always),
      by('cheapest', 'balanced'),
      preferring('cost'),
      preferring('quality'),
    ];
    const {
      targets: found,
      judged,
      counted,
      relativeTo,
    } = await reportOn(byLot, reportSettings(population, targets), pause);
    const named = new Map(found.map((target) => [target.name, target]));
    expect({ judged, counted, relativeTo }).toEqual({ judged: 1_350, counted: 1_500, relativeTo: 'explicit feedback' });
    const logged = named.get('as logged')!;
    const served = byLot.slice(150);
    const mean = served.reduce((sum, { label }) => sum + label.quality!, 0) / served.length;
    expect(logged.estimates!.quality.snips.mean).toBeCloseTo(mean, 9);
    expect(logged.effectiveSize).toBeCloseTo(1_350, 6);
    // The dear arm is the baseline.
    const cheapest = named.get('cheapest')!;
    expect(cheapest.againstBaseline!.savingsShare!.low).toBeGreaterThan(0.9);
    expect(cheapest.againstBaseline!.qualityDifference.high).toBeLessThan(0);
    expect(named.get(`always ${population.baseline}`)!.againstBaseline).toBeNull();
    expect(named.get('prefer: quality')!.estimates!.quality.doublyRobust.mean).toBeGreaterThan(
      cheapest.estimates!.quality.doublyRobust.mean,
    );
  });

  test('lets others be served while it learns what was known before each tenth', async () => {
    let pauses = 0;
    await reportOn(byLot.slice(0, 40), reportSettings(population, [AS_LOGGED]), async () => {
      pauses++;
    });
    expect(pauses).toBeGreaterThan(50);
  });

  test('keeps to a budget that is asked for, as far as the costs of earlier requests tell', async () => {
    const budget = 1e-3;
    const report = await reportOn(
      byLot,
      reportSettings(population, [always(population.baseline), within(budget)]),
      pause,
    );
    const { mean } = report.targets[1]!.estimates!.costUsd.doublyRobust;
    expect(mean).toBeLessThan(1.5 * budget);
    expect(mean).toBeGreaterThan(budget / 100);
  });

  test('says that it cannot tell of what the log hardly ever chose', async () => {
    const sure = loggedRun(population, { ...SETTINGS, policy: 'fixed' }, createDice(2));
    const report = await reportOn(sure, reportSettings(population, ARMS.map(always)), pause);
    for (const { name, estimates, effectiveSize } of report.targets) {
      if (name === `always ${population.baseline}`) expect(estimates).not.toBeNull();
      else expect({ estimates, effectiveSize }).toEqual({ estimates: null, effectiveSize: 0 });
    }
  });

  test('counts a failure as nothing given, and knows of it without a rating', async () => {
    const arm = population.baseline;
    const failing = byLot.map((decision) =>
      decision.chosen === arm ? { ...decision, failed: true, evidence: null } : decision,
    );
    const report = await reportOn(failing, reportSettings(population, [always(arm)]), pause);
    expect(report.targets[0]!.estimates!.quality.doublyRobust.mean).toBeLessThan(0.05);
    expect(report.labels.failures).toBeGreaterThan(400);
  });

  test('models ratings that are missing, and says so where there are none', async () => {
    const rated = loggedRun(
      population,
      { ...SETTINGS, decisions: 3_000, policy: 'random', rated: (_, arm) => 0.2 + 0.2 * arm },
      createDice(4),
    );
    const report = await reportOn(rated, reportSettings(population, ARMS.map(always)), pause);
    expect(report.labels.none).toBeGreaterThan(1_000);
    const truth = ARMS.map(
      (_, k) => population.quality.reduce((sum, row) => sum + row[k]!, 0) / population.quality.length,
    );
    for (const [k, { estimates }] of report.targets.entries()) {
      const { low, high } = estimates!.quality.doublyRobust;
      // Wider by half: one interval in twenty would be missed.
      expect(low - (high - low) / 4).toBeLessThan(truth[k]!);
      expect(high + (high - low) / 4).toBeGreaterThan(truth[k]!);
    }
    const nobody = loggedRun(population, { ...SETTINGS, policy: 'random', rated: () => 0 }, createDice(5));
    const silent = await reportOn(nobody, reportSettings(population, ARMS.map(always)), pause);
    expect(silent.targets.map(({ estimates }) => estimates)).toEqual([null, null, null]);
  });

  test('goes by what was seen of answers where nobody rates them, and says that it does', async () => {
    const seen = byLot.map((decision, i) => {
      const good = decision.label.quality! > 0.85;
      // One in ten was rated: enough to know what signs are worth.
      const said = i % 10 === 0 ? { quality: good ? 1 : 0, weight: 1 } : { quality: null, weight: 0 };
      const next = NEXT.indexOf(good ? 'continued' : 'regenerated');
      const label = { ...said, shown: 0, next, share: 1 };
      return { ...decision, label, evidence: { ...decision.evidence!, ...label } };
    });
    const settings = { ...reportSettings(population, ARMS.map(always)), calibrate };
    const report = await reportOn(seen, settings, pause);
    expect(report.relativeTo).toBe('implicit signals');
    expect(report.labels).toEqual({ explicit: 150, implicit: 1_350, failures: 0, none: 0 });
    for (const [k, { estimates }] of report.targets.entries()) {
      const given = seen.filter(({ chosen }) => chosen === ARMS[k]);
      const good = given.filter(({ label }) => label.next === NEXT.indexOf('continued')).length / given.length;
      expect(Math.abs(estimates!.quality.doublyRobust.mean - good)).toBeLessThan(0.15);
    }
  });

  test('knows arms that the router no longer has, and arms by their earlier names', async () => {
    const settings = reportSettings(population, [AS_LOGGED, always(population.baseline)]);
    const [first, ...rest] = settings.arms;
    const renamed = { ...settings, arms: [{ ...first!, id: 'sim/renamed', was: [first!.id] }, ...rest.slice(1)] };
    const report = await reportOn(byLot, renamed, pause);
    for (const { estimates } of report.targets) expect(estimates).not.toBeNull();
  });

  test('of nothing says that it cannot tell', async () => {
    const report = await reportOn([], reportSettings(population, [AS_LOGGED, always(population.baseline)]), pause);
    expect(report).toMatchObject({ from: null, to: null, counted: 0, judged: 0 });
    for (const { estimates, effectiveSize } of report.targets)
      expect({ estimates, effectiveSize }).toEqual({ estimates: null, effectiveSize: 0 });
  });
});
