import { beforeEach, describe, expect, test } from 'vitest';
import { createRefusals, type Refusals, type Shape } from '../../src/routing/refusals.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

const HOUR = 3_600_000;

const shape = (body: Record<string, unknown>, tokens = 100, caller: string | null = null): Shape => ({
  caller,
  body: { model: 'auto', messages: [], ...body },
  needs: { capabilities: [], fields: [], promptTokensEstimate: tokens, outputTokens: null },
});

let runtime: TestRuntime;
let refusals: Refusals;
beforeEach(() => {
  runtime = testRuntime();
  refusals = createRefusals({ now: () => runtime.time, digest: runtime.digest });
});

describe('what an arm alone refused', () => {
  test('rules it out for requests with that field, for an hour', () => {
    const refusal = { kind: 'field', param: 'top_k', text: '', byCode: true } as const;
    refusals.remember('p/a', refusal, shape({ top_k: 5 }));
    expect(refusals.whyRefused('p/a', shape({ top_k: 99 }))).toBe('refused top_k within the last hour');
    expect(refusals.whyRefused('p/a', shape({ top_p: 1 }))).toBeNull();
    expect(refusals.whyRefused('p/b', shape({ top_k: 5 }))).toBeNull();
    runtime.time += HOUR;
    expect(refusals.whyRefused('p/a', shape({ top_k: 5 }))).toBeNull();
  });

  test('is found in the words of an error that names no param', () => {
    const refusal = { kind: 'field', param: null, text: 'Unrecognized request argument: seed', byCode: true } as const;
    refusals.remember('p/a', refusal, shape({ seed: 1, user: 'u' }));
    expect(refusals.whyRefused('p/a', shape({ seed: 2 }))).not.toBeNull();
    expect(refusals.whyRefused('p/a', shape({ user: 'u' }))).toBeNull();
  });

  test('is hashed for that alone: no value makes a hash that would be good for something else', () => {
    const hashed: string[] = [];
    const { whyRefused, remember } = createRefusals({
      now: () => runtime.time,
      digest: (text) => {
        hashed.push(text);
        return runtime.digest(text);
      },
    });
    const asked = shape({ metadata: ['dashboard', 'ops', 'hash', 1] });
    remember('p/a', { kind: 'value', param: 'metadata', text: '', byCode: true }, asked);
    whyRefused('p/a', shape({ metadata: 'provider key\n' }));
    expect(hashed).toHaveLength(2);
    for (const text of hashed) expect(text).toMatch(/^refused value\n/);
  });

  test('with a value rules it out for that value alone, and does not keep it', () => {
    const refusal = { kind: 'value', param: 'temperature', text: '', byCode: true } as const;
    refusals.remember('p/a', refusal, shape({ temperature: 0.2 }));
    expect(refusals.whyRefused('p/a', shape({ temperature: 0.2 }))).not.toBeNull();
    expect(refusals.whyRefused('p/a', shape({ temperature: 1 }))).toBeNull();
    expect(refusals.whyRefused('p/a', shape({}))).toBeNull();
    expect(refusals.whyRefused('p/a', shape({ temperature: 0.2 }))).not.toContain('0.2');
  });

  test('with its context rules it out for requests as long or longer', () => {
    refusals.remember('p/a', { kind: 'context', param: null, text: '', byCode: true }, shape({}, 5_000));
    expect(refusals.whyRefused('p/a', shape({}, 5_000))).not.toBeNull();
    expect(refusals.whyRefused('p/a', shape({}, 4_000))).toBeNull();
  });

  test('for no field that can be told rules it out for requests with the same fields', () => {
    refusals.remember(
      'p/a',
      { kind: 'field', param: null, text: 'not supported', byCode: true },
      shape({ a: 1, b: 2 }),
    );
    expect(refusals.whyRefused('p/a', shape({ b: 9, a: 9 }))).not.toBeNull();
    expect(refusals.whyRefused('p/a', shape({ a: 1 }))).toBeNull();
    expect(refusals.whyRefused('p/a', shape({ a: 1, b: 2, stream: true }))).toBeNull();
  });

  test('is bounded, the oldest forgotten first', () => {
    for (let i = 0; i < 100; i++)
      refusals.remember('p/a', { kind: 'field', param: `f${i}`, text: '', byCode: true }, shape({ [`f${i}`]: 1 }));
    expect(refusals.whyRefused('p/a', shape({ f0: 1 }))).toBeNull();
    expect(refusals.whyRefused('p/a', shape({ f99: 1 }))).not.toBeNull();
  });

  test('in words alone, which may be the caller’s own repeated, is held against nobody else’s requests', () => {
    const refusal = { kind: 'field', param: null, text: 'seed is not supported', byCode: false } as const;
    refusals.remember('p/a', refusal, shape({ seed: 1 }, 100, 'web'));
    expect(refusals.whyRefused('p/a', shape({ seed: 2 }, 100, 'web'))).not.toBeNull();
    expect(refusals.whyRefused('p/a', shape({ seed: 2 }, 100, 'ops'))).toBeNull();
  });

  test('is forgotten with another config', () => {
    refusals.remember('p/a', { kind: 'field', param: 'seed', text: '', byCode: true }, shape({ seed: 1 }));
    refusals.rememberNoUsage('p/a');
    refusals.forget();
    expect(refusals.whyRefused('p/a', shape({ seed: 1 }))).toBeNull();
    expect(refusals.refusesUsage('p/a')).toBe(false);
  });
});
