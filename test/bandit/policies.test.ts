import { describe, expect, test } from 'vitest';
import { type DecideInput, decide } from '../../src/bandit/decide.ts';
import { foldEntry } from '../../src/bandit/fold.ts';
import { POLICIES, POLICY_NAMES } from '../../src/bandit/policies/index.ts';
import { evidence, foldOf, labelled, posteriorOf, seeded } from './evidence.ts';
import { testPolicy } from './policy-contract.ts';

for (const name of POLICY_NAMES) testPolicy({ newPolicy: () => name });

const arms = [
  { id: 'dear', price: { input: 5, output: 20 }, eligible: true },
  { id: 'cheap', price: { input: 0.1, output: 0.4 }, eligible: true },
];
const ids = arms.map(({ id }) => id);
const base: DecideInput = {
  policy: 'linear-thompson',
  posterior: posteriorOf(foldOf([]), ids),
  arms,
  x: Float64Array.of(1, 0, 0),
  promptTokensEstimate: 200,
  rates: { usdPerPoint: Number.POSITIVE_INFINITY, secondsPerPoint: Number.POSITIVE_INFINITY },
  explore: { floor: 0, warmup: 0 },
  uniform: 0.3,
};
const sharesOf = (input: DecideInput): Record<string, number> =>
  Object.fromEntries(decide(input).candidates.map(({ model, propensity }) => [model, propensity]));

describe('early pulls', () => {
  const warming = { ...base, explore: { floor: 0, warmup: 8 } };

  test('go to each arm alike, until each has had its number', () => {
    expect(decide(warming).reason).toBe('warmup');
    expect(sharesOf(warming)).toEqual({ dear: 0.5, cheap: 0.5 });
    const posterior = posteriorOf(foldOf([...labelled('dear', 8, 6), ...labelled('cheap', 3, 2)]), ids);
    expect(sharesOf({ ...warming, posterior })).toEqual({ dear: 0, cheap: 1 });
    const done = posteriorOf(foldOf([...labelled('dear', 8, 6), ...labelled('cheap', 8, 5)]), ids);
    expect(decide({ ...warming, posterior: done }).reason).not.toBe('warmup');
  });

  test('are fewer for an arm that is dear by what quality may cost', () => {
    // The dear arm's 300 tokens cost about 0.006 USD: 10 points more than the cheap one's.
    const rates = { usdPerPoint: 0.0006, secondsPerPoint: Number.POSITIVE_INFINITY };
    const posterior = posteriorOf(foldOf([...labelled('dear', 5, 5), ...labelled('cheap', 5, 4)]), ids);
    expect(sharesOf({ ...warming, rates, posterior })).toEqual({ dear: 0, cheap: 1 });
  });

  test('are not given to an arm that can no longer be the best', () => {
    const rates = { usdPerPoint: 0.00001, secondsPerPoint: Number.POSITIVE_INFINITY };
    expect(sharesOf({ ...warming, rates })).toEqual({ dear: 0, cheap: 1 });
  });
});

describe('the exploration floor', () => {
  const known = posteriorOf(foldOf([...labelled('dear', 400, 390), ...labelled('cheap', 400, 80)]), ids);
  const close = posteriorOf(foldOf([...labelled('dear', 400, 330), ...labelled('cheap', 20, 15)]), ids);

  test('goes to arms that might still be the best', () => {
    const withFloor = sharesOf({ ...base, posterior: close, explore: { floor: 0.4, warmup: 0 } });
    expect(withFloor.cheap).toBeGreaterThanOrEqual(0.2);
  });

  test('goes to any arm with epsilon-greedy, and all else to the one that is best for this prompt', () => {
    const explore = { floor: 0.4, warmup: 0 };
    for (const posterior of [known, close]) {
      const shares = sharesOf({ ...base, policy: 'epsilon-greedy', posterior, explore });
      expect(shares.dear).toBeCloseTo(0.8, 9);
      expect(shares.cheap).toBeCloseTo(0.2, 9);
    }
    const without = arms.map((arm) => ({ ...arm, eligible: arm.id !== 'dear' }));
    expect(sharesOf({ ...base, policy: 'epsilon-greedy', posterior: known, explore, arms: without }).cheap).toBe(1);
  });

  test('gives nothing to an arm that is known to be worse', () => {
    const { cheap } = sharesOf({ ...base, posterior: known, explore: { floor: 0.4, warmup: 0 } });
    expect(cheap).toBeLessThan(1e-6);
  });
});

describe('an upper confidence bound', () => {
  const ofBoth = (dear: [labels: number, good: number], cheap: [labels: number, good: number]) =>
    posteriorOf(foldOf([...labelled('dear', ...dear), ...labelled('cheap', ...cheap)]), ids);

  test.each(['linucb', 'ucb1'] as const)(
    'with %s leaves nothing to chance, and goes to the arm less is known of',
    (policy) => {
      expect(sharesOf({ ...base, policy, posterior: ofBoth([300, 240], [20, 15]) })).toEqual({ dear: 0, cheap: 1 });
      expect(sharesOf({ ...base, policy, posterior: ofBoth([300, 240], [300, 120]) })).toEqual({ dear: 1, cheap: 0 });
    },
  );

  test('with linucb depends on the prompt', () => {
    const entries = [0.7, -0.7].flatMap((side) => [
      ...labelled('dear', 100, side > 0 ? 95 : 30, { x: [1, side, 0] }),
      ...labelled('cheap', 100, side > 0 ? 30 : 95, { x: [1, side, 0] }),
    ]);
    const given = { ...base, policy: 'linucb' as const, posterior: posteriorOf(foldOf(entries), ids) };
    expect(decide({ ...given, x: Float64Array.of(1, 0.7, 0) }).chosen).toBe('dear');
    expect(decide({ ...given, x: Float64Array.of(1, -0.7, 0) }).chosen).toBe('cheap');
  });

  test('with ucb1 is that of the labels: the mean, and more the fewer they are among all', () => {
    for (const [labels, good] of [
      [30, 24],
      [60, 52],
      [200, 177],
      [1000, 905],
    ] as const) {
      const bound = (n: number, ones: number): number =>
        (ones + 1) / (n + 2) + Math.sqrt((2 * Math.log(50 + labels + 4)) / (n + 2));
      const expected = bound(labels, good) > bound(50, 40) ? 'dear' : 'cheap';
      const posterior = ofBoth([labels, good], [50, 40]);
      expect(sharesOf({ ...base, policy: 'ucb1', posterior })[expected]).toBe(1);
    }
  });

  test('with ucb1 is the highest for an arm without labels, however good the others are', () => {
    for (const labels of [1, 2, 10, 1000]) {
      const posterior = ofBoth([labels, labels], [0, 0]);
      expect(sharesOf({ ...base, policy: 'ucb1', posterior })).toEqual({ dear: 0, cheap: 1 });
    }
  });

  test('with ucb1 and a half-life, an arm whose labels have faded is tried again', () => {
    const day = 864e5;
    const entries = [...labelled('cheap', 200, 60, { at: day }), ...labelled('dear', 200, 170, { at: day })];
    const later = labelled('dear', 200, 170, { at: 9 * day });
    const chosenAfter = (log: typeof entries): string =>
      decide({ ...base, policy: 'ucb1', posterior: posteriorOf(foldOf(log, { halfLifeMs: day }), ids) }).chosen;
    expect(chosenAfter(entries)).toBe('dear');
    expect(chosenAfter([...entries, ...later])).toBe('cheap');
  });
});

describe('what exploring costs is weighed, too', () => {
  test.each(POLICY_NAMES.filter((name) => POLICIES[name].explores))(
    '%s leaves an arm alone of which nothing is known, and that costs more than any quality is worth',
    (policy) => {
      const rates = { usdPerPoint: 1e-6, secondsPerPoint: Number.POSITIVE_INFINITY };
      const posterior = posteriorOf(foldOf(labelled('cheap', 1000, 100)), ids);
      const explore = { floor: 0, warmup: 8 };
      expect(sharesOf({ ...base, policy, rates, posterior, explore })).toEqual({ dear: 0, cheap: 1 });
    },
  );
});

/** The share of right choices in the second half, where each arm is good at one of two kinds of request. */
function learnedShare(
  policy: DecideInput['policy'],
  qualityOf: (right: boolean) => number | null,
): { right: number; cheap: number } {
  const random = seeded(3);
  const fold = foldOf([]);
  const rounds = 900;
  let { posterior } = base;
  let right = 0;
  let cheap = 0;
  for (let i = 0; i < rounds; i++) {
    if (i % 10 === 0) posterior = posteriorOf(fold, ids);
    const side = random() < 0.5 ? 0.7 : -0.7;
    const x = [1, side, 0];
    const rates = { usdPerPoint: 0.001, secondsPerPoint: Number.POSITIVE_INFINITY };
    const explore = { floor: 0.02, warmup: 8 };
    const { chosen } = decide({
      ...base,
      policy,
      posterior,
      rates,
      x: Float64Array.from(x),
      explore,
      uniform: random(),
    });
    const isRight = side > 0 === (chosen === 'dear');
    if (i >= rounds / 2 && isRight) right += 2 / rounds;
    if (i >= rounds / 2 && chosen === 'cheap') cheap += 2 / rounds;
    const probability = qualityOf(isRight);
    foldEntry(
      fold,
      evidence({ arm: chosen, x, quality: probability === null ? null : random() < probability ? 1 : 0 }),
    );
  }
  return { right, cheap };
}

describe('over many requests', () => {
  const truth = (right: boolean): number => (right ? 0.9 : 0.5);

  test.each(['linear-thompson', 'linucb', 'epsilon-greedy'] as const)(
    'the contextual %s finds out which arm is good at what',
    (policy) => {
      expect(learnedShare(policy, truth).right).toBeGreaterThan(0.85);
    },
  );

  test.each(['thompson', 'ucb1'] as const)('%s, without context, cannot', (policy) => {
    expect(learnedShare(policy, truth).right).toBeLessThan(0.65);
  });

  test.each(POLICY_NAMES.filter((name) => POLICIES[name].explores))(
    'where nobody ever says what was good, %s gives the cheap arm nearly all',
    (policy) => {
      expect(learnedShare(policy, () => null).cheap).toBeGreaterThan(0.9);
    },
  );
});

describe('the policies that do not learn', () => {
  test('fixed always takes the baseline, and the first arm it may have when that is ruled out', () => {
    expect(decide({ ...base, policy: 'fixed' }).chosen).toBe('dear');
    expect(decide({ ...base, policy: 'fixed', baseline: 'cheap' }).chosen).toBe('cheap');
    const without = arms.map((arm) => ({ ...arm, eligible: arm.id !== 'dear' }));
    expect(decide({ ...base, policy: 'fixed', arms: without }).chosen).toBe('cheap');
  });

  test.each(['dear', 'cheap'])('fixed does not say that it explores, whichever of the two it takes: %s', (baseline) => {
    expect(decide({ ...base, policy: 'fixed', baseline })).toMatchObject({ chosen: baseline, reason: 'exploit' });
  });

  test('cheapest takes the least expected cost, and tosses between equals', () => {
    expect(sharesOf({ ...base, policy: 'cheapest' })).toEqual({ dear: 0, cheap: 1 });
    const free = arms.map((arm) => ({ ...arm, price: { input: 0, output: 0 } }));
    expect(sharesOf({ ...base, policy: 'cheapest', arms: free }).dear).toBeCloseTo(0.5, 9);
  });

  test('random takes each alike', () => {
    expect(sharesOf({ ...base, policy: 'random' }).dear).toBeCloseTo(0.5, 9);
  });
});
