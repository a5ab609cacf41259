import { describe, expect, test } from 'vitest';
import type { Model } from '../../src/config/resolve.ts';
import { settled } from '../../src/routing/settle.ts';
import { evidenceOf, labelOf } from '../../src/stores/decision-record.ts';
import { type Observed, UNSEEN } from '../../src/upstream/observe.ts';
import type { AttemptEnd } from '../../src/upstream/outcome.ts';
import { decision } from '../stores/state-store-suite.ts';

const model = (name: string): Model => ({ id: `fake/${name}`, price: { input: 1, output: 10 } }) as Model;
const observed = (more: Partial<Observed> = {}): Observed => ({
  ...UNSEEN,
  completionId: 'chatcmpl-9',
  finishReason: 'stop',
  usage: { promptTokens: 100, completionTokens: 20, cachedTokens: 0, cacheWriteTokens: 0 },
  message: { text: 'x'.repeat(40), toolCallIds: [] },
  characters: 40,
  ...more,
});
const end = (more: Partial<AttemptEnd> = {}): AttemptEnd => ({
  outcome: 'completed',
  status: 200,
  headers: {},
  firstByteMs: 30,
  totalMs: 90,
  message: null,
  observed: observed(),
  begun: true,
  body: null,
  ...more,
});
const open = () => decision({ outcome: null, attempts: [], promptTokensEstimate: 80, reason: 'explore', reward: null });
const tried = (...ends: [string, Partial<AttemptEnd>][]) =>
  ends.map(([name, more]) => ({ model: model(name), end: end(more) }));
const failed: Partial<AttemptEnd> = {
  outcome: 'upstream_error',
  status: 500,
  observed: null,
  begun: false,
  firstByteMs: null,
};

describe('a decision that has ended', () => {
  test('holds what the provider told of its use, and what that cost', () => {
    const done = settled(open(), tried(['small', {}]), true);
    expect(done).toMatchObject({
      model: 'fake/small',
      reason: 'explore',
      completionId: 'chatcmpl-9',
      attempts: [{ model: 'fake/small', outcome: 'completed', status: 200, firstByteMs: 30, totalMs: 90 }],
      outcome: {
        kind: 'completed',
        finishReason: 'stop',
        promptTokens: 100,
        completionTokens: 20,
        costUsd: (100 + 200) / 1e6,
        estimated: false,
      },
    });
    expect(evidenceOf(done)).toMatchObject({
      arm: 'fake/small',
      quality: null,
      weight: 0,
      promptTokens: 100,
      completionTokens: 20,
      firstByteMs: 30,
      totalMs: 90,
    });
  });

  test('holds an estimate where the provider told nothing, and teaches no prompt length of it', () => {
    const done = settled(open(), tried(['small', { observed: observed({ usage: null }) }]), true);
    expect(done.outcome).toMatchObject({
      promptTokens: 80,
      completionTokens: 10,
      costUsd: (80 + 100) / 1e6,
      estimated: true,
    });
    expect(evidenceOf(done)).toMatchObject({ promptTokens: null, completionTokens: 10 });
  });

  test('by another arm is that arm’s evidence, and nobody else’s', () => {
    const done = settled(open(), tried(['small', failed], ['large', {}]), true);
    expect(done).toMatchObject({ chosen: 'fake/small', model: 'fake/large', reason: 'fallback' });
    expect(done.attempts.map(({ model: arm, outcome }) => [arm, outcome])).toEqual([
      ['fake/small', 'upstream_error'],
      ['fake/large', 'completed'],
    ]);
    expect(evidenceOf({ ...done, label: labelOf(1) })).toMatchObject({ arm: 'fake/large', quality: 1, weight: 1 });
  });

  test('with nothing but failures teaches nothing and costs nothing', () => {
    const done = settled(
      open(),
      tried(['small', failed], ['large', { ...failed, outcome: 'timeout', status: null }]),
      false,
    );
    expect(done).toMatchObject({
      reason: 'explore',
      outcome: { kind: 'timeout', costUsd: 0, promptTokens: null, completionTokens: null },
    });
    expect(evidenceOf({ ...done, label: labelOf(0) })).toBe(null);
  });

  test('in the middle of the answer counts what it cost, but neither its length nor its time', () => {
    for (const outcome of ['client_abort', 'upstream_drop', 'timeout'] as const) {
      const cut = end({ outcome, observed: observed({ usage: null, finishReason: null }) });
      const done = settled(open(), [{ model: model('small'), end: cut }], true);
      expect(done.outcome).toMatchObject({ kind: outcome, finishReason: null, estimated: true });
      expect(done.outcome?.costUsd).toBeGreaterThan(0);
      expect(evidenceOf(done)).toMatchObject({ completionTokens: null, totalMs: null, firstByteMs: 30 });
    }
  });

  test('before any answer had come, since the client left, teaches nothing', () => {
    const left = end({ outcome: 'client_abort', status: null, observed: null, begun: false, firstByteMs: null });
    expect(evidenceOf(settled(open(), [{ model: model('small'), end: left }], true))).toBe(null);
    expect(settled(open(), [], true)).toMatchObject({ outcome: null, attempts: [] });
  });

  test('whole says nothing about how soon a stream begins', () => {
    const done = settled(open(), tried(['small', { begun: false }]), false);
    expect(done.attempts[0]?.firstByteMs).toBe(null);
    expect(evidenceOf(done)).toMatchObject({ firstByteMs: null, totalMs: 90, completionTokens: 20 });
  });

  test('of a pinned model teaches nothing', () => {
    expect(evidenceOf(settled({ ...open(), router: null }, tried(['small', {}]), true))).toBe(null);
  });
});
