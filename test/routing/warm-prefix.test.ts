import { describe, expect, test } from 'vitest';
import { warmPrefix } from '../../src/routing/warm-prefix.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { decision } from '../stores/state-store-suite.ts';

const MINUTE = 60_000;
const lineage = { answered: 'asked:now', latest: ['talk:before', 'tail:before'], question: 'asked:before' };
const earlier = (outcome: object = {}, more: Partial<DecisionRecord> = {}): DecisionRecord => {
  const one = decision(more);
  return { ...one, outcome: { ...one.outcome!, promptTokens: 4_000, completionTokens: 500, ...outcome } };
};
const at = (one: DecisionRecord, afterMs = MINUTE): number => one.created + afterMs;
const warm = (one: DecisionRecord, name: string, estimate = 9_000, afterMs = MINUTE) =>
  warmPrefix({ decision: one, name }, lineage, estimate, at(one, afterMs));

describe('what a provider may have of a prompt', () => {
  test('is all up to the earlier answer, at the arm that gave it', () => {
    expect(warm(earlier(), 'talk:before')).toEqual({ arm: 'fake/small', tokens: 4_500 });
  });

  test('is the question alone where it is asked again, or its answer was rewritten', () => {
    for (const name of ['asked:now', 'asked:before']) expect(warm(earlier(), name)?.tokens).toBe(4_000);
  });

  test('is never more than the prompt is long', () => {
    expect(warm(earlier(), 'talk:before', 2_000.5)?.tokens).toBe(2_000);
  });

  test('is nothing where the prompt may begin otherwise', () => {
    for (const name of ['tail:before', 'session:x', 'tail:older']) expect(warm(earlier(), name)).toBe(null);
    expect(warmPrefix(null, lineage, 9_000, 0)).toBe(null);
  });

  test('is nothing where it is too short, or too long ago', () => {
    expect(warm(earlier({ promptTokens: 500 }), 'talk:before')).toBe(null);
    expect(warm(earlier(), 'talk:before', 1_000)).toBe(null);
    expect(warm(earlier(), 'talk:before', 9_000, 9 * MINUTE)).not.toBe(null);
    expect(warm(earlier(), 'talk:before', 9_000, 11 * MINUTE)).toBe(null);
  });

  test('is nothing while the earlier answer is on its way, or where nothing came of it', () => {
    expect(warm({ ...earlier(), outcome: null }, 'talk:before')).toBe(null);
    expect(warm(earlier({ kind: 'upstream_error', promptTokens: null }), 'talk:before')).toBe(null);
  });
});
