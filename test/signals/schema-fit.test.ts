/** That no client's schema keeps the server, however many values of one answer are held against it. */
import { describe, expect, test } from 'vitest';
import { shownSigns } from '../../src/signals/answer.ts';
import { fitOf, startJudging } from '../../src/signals/schema-fit.ts';
import { UNSEEN } from '../../src/upstream/observe.ts';

const members = (count: number, last: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i === count - 1 ? last : i]));

/** Looks at a value twice as often with each of so many definitions. */
function doubling(times: number) {
  const $defs: Record<string, unknown> = { [`d${times}`]: true };
  for (let i = 0; i < times; i++) $defs[`d${i}`] = { allOf: Array(2).fill({ $ref: `#/$defs/d${i + 1}` }) };
  return { $defs, $ref: '#/$defs/d0' };
}

describe('a schema', () => {
  test('is unknown where to judge by it would take too long', () => {
    const listed = Array.from({ length: 40 }, (_, i) => members(100, `x${i}`));
    const chain: Record<string, unknown> = { c300: { additionalProperties: true } };
    for (let i = 0; i < 300; i++) chain[`c${i}`] = { allOf: [{ $ref: `#/$defs/c${i + 1}` }] };
    let ids: unknown = {};
    for (let i = 0; i < 60; i++) ids = { $id: `https://a.example/${i}`, properties: { a: ids } };
    const many: [unknown, unknown][] = [
      [{}, doubling(40)],
      [members(100, 'v'), { enum: Array.from({ length: 2000 }, (_, i) => members(100, i)) }],
      [members(100, 'v'), { $defs: { e: { not: { enum: listed } } }, allOf: Array(900).fill({ $ref: '#/$defs/e' }) }],
      [['v'], { $defs: { e: { not: { const: ['x'.repeat(1e6)] } } }, allOf: Array(900).fill({ $ref: '#/$defs/e' }) }],
      [members(1000, 1), { $defs: chain, allOf: Array(40).fill({ $ref: '#/$defs/c0' }) }],
      [{}, ids],
    ];
    for (const [value, schema] of many) expect(fitOf(value, schema)).toBe('unknown');
  });

  test('takes its part of what there is for the whole answer, whichever it is', () => {
    const judging = startJudging();
    const plain = { type: 'object', required: ['a'] };
    expect(fitOf({ a: 1 }, plain, judging)).toBe('fits');
    const first = judging.steps;
    expect(fitOf({}, plain, judging)).toBe('misfits');
    expect(judging.steps - first).toBeLessThan(first);
    expect(fitOf({}, doubling(40), judging)).toBe('unknown');
    expect(fitOf({ a: 1 }, plain, judging)).toBe('unknown');
    expect(fitOf({}, doubling(41), judging)).toBe('unknown');
  });

  test('of thousands of values or members is judged by', () => {
    const wide = { type: 'object', properties: Object.fromEntries(Object.keys(members(1000, 0)).map((k) => [k, {}])) };
    expect(fitOf(members(900, 1), wide)).toBe('fits');
    const list = { type: 'array', items: { type: 'object', properties: { a: { enum: ['x', 'y'] } } } };
    expect(fitOf(Array(3000).fill({ a: 'y' }), list)).toBe('fits');
    expect(fitOf([...Array(3000).fill({ a: 'y' }), { a: 'z' }], list)).toBe('misfits');
  });
});

describe('calls of functions', () => {
  const parameters = { type: 'object', properties: { a: { type: 'number' } } };
  const signs = (given: readonly string[]) =>
    shownSigns(
      {
        ...UNSEEN,
        finishReason: 'tool_calls',
        toolCalls: given.map((text, i) => ({ id: `c${i}`, name: 'f', arguments: text })),
        outcome: 'completed',
        totalMs: 1,
        outputTokens: 1,
        expected: null,
      },
      {
        responseFormat: undefined,
        tools: [{ type: 'function', function: { name: 'f', parameters } }],
        outputCap: null,
      },
    );

  test('are held against their schemas up to the eighth, and any more are only read', () => {
    const good = (count: number): string[] => Array(count).fill('{"a":1}');
    expect(signs(good(100))).toEqual([]);
    expect(signs([...good(7), '{"a":"x"}'])).toEqual(['invalid_tool_call']);
    expect(signs([...good(8), '{"a":"x"}'])).toEqual([]);
    expect(signs([...good(100), '{"a":'])).toEqual(['invalid_tool_call']);
  });
});
