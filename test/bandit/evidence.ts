/** Evidence and folds for tests. */
import fc from 'fast-check';
import { type Evidence, type Label, NO_LABEL, PENDING, SILENCE, UNCLEAR } from '../../src/bandit/evidence.ts';
import { emptyFold, type Fold, type FoldSettings, foldEntry } from '../../src/bandit/fold.ts';
import { derivePosterior, type Posterior } from '../../src/bandit/posterior.ts';
import { SIGNS } from '../../src/bandit/sign-sums.ts';

export const SETTINGS: FoldSettings = {
  encoder: 'test',
  dimensions: 3,
  halfLifeMs: null,
  windowMs: 864e5,
  maxOpen: 10_000,
};

let made = 0;
export function evidence(given: Partial<Evidence> = {}): Evidence {
  return {
    decisionId: `decision-${made++}`,
    revision: 1,
    at: 1_000_000,
    router: 'auto',
    arm: 'a',
    encoder: 'test',
    x: [1, 0, 0],
    quality: null,
    weight: 1,
    shown: 0,
    next: 0,
    share: 0,
    earlier: null,
    promptTokensEstimate: 100,
    promptTokens: 100,
    completionTokens: 200,
    costUsd: 0.001,
    firstByteMs: 300,
    totalMs: 2000,
    cachedShare: null,
    worthBefore: null,
    ...given,
  };
}

/** Any label that may come of a decision, and with what signs. */
const sign = fc.integer({ min: 0, max: SIGNS - 1 });
export const anyLabel: fc.Arbitrary<Label> = fc.record({
  quality: fc.option(fc.double({ noNaN: true, min: 0, max: 1 }), { freq: 1 }),
  weight: fc.double({ noNaN: true, min: 0, max: 2 }),
  shown: fc.oneof(fc.constant(0), sign),
  // Nothing yet, as most often, or anything.
  next: fc.oneof(fc.constant(PENDING), fc.constantFrom(UNCLEAR, SILENCE), sign),
  share: fc.oneof(fc.constantFrom(0, 1, 0.5), fc.double({ noNaN: true, min: 0, max: 1 })),
});

/** The label of an answer that somebody gave this quality. */
export const said = (quality: number | null): Label => ({ ...NO_LABEL, quality, weight: 1 });

/** The label alone. */
export const labelIn = ({ quality, weight, shown, next, share }: Label): Label => ({
  quality,
  weight,
  shown,
  next,
  share,
});

export function foldOf(entries: readonly Evidence[], settings: Partial<FoldSettings> = {}): Fold {
  const fold = emptyFold({ ...SETTINGS, ...settings });
  for (const entry of entries) foldEntry(fold, entry);
  return fold;
}

/** Of arms that never had another id. */
export function posteriorOf(fold: Fold, arms: readonly string[]): Posterior {
  return derivePosterior(
    fold,
    arms.map((id) => ({ id, was: [] })),
  );
}

/** `count` labelled entries of an arm, `good` of them of quality 1, evenly spread: one whose answers turn bad has changed. */
export function labelled(arm: string, count: number, good: number, given: Partial<Evidence> = {}): Evidence[] {
  return Array.from({ length: count }, (_, i) => {
    const goodBy = (entries: number): number => Math.floor((entries * good) / count);
    return evidence({ arm, quality: goodBy(i + 1) - goodBy(i), ...given });
  });
}

/** Uniform in [0, 1), the same numbers each time (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
