import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encoder } from '../../src/context/encoder.ts';
import { FEATURES } from '../../src/context/features.ts';

const encode = (content: unknown, more: object = {}): number[] =>
  Array.from(encoder.encode({ messages: [{ role: 'user', content }], ...more }));
const distance = (one: number[], other: number[]): number => Math.hypot(...one.map((value, i) => value - other[i]!));

const CODE = [
  'Write a Python function that returns the second largest value in a list of integers.',
  'def solve(xs: list[int]) -> int:\n    """Return the sum."""\n    return sum(xs)\nWhy does this test fail?',
];
const SUMS = [
  'Tom bought 3 boxes for $4.50 each and gave half of them away. How many dollars did he spend in total?',
  'A train covers 120 miles in 2 hours. How many minutes does it need for 45 miles?',
];
const FACTS = [
  'who sang the theme song of the first season',
  'When was the capital of Australia named and who chose the name?',
];

describe('a prompt as a vector', () => {
  test('prompts of one kind lie nearer to each other than to those of other kinds, on the whole', () => {
    const kinds = [CODE, SUMS, FACTS].map((kind) => kind.map((content) => encode(content)));
    const within = kinds.map(([one, other]) => distance(one!, other!));
    const between = kinds.flatMap((kind, k) =>
      kinds
        .slice(k + 1)
        .flat()
        .flatMap((one) => kind.map((other) => distance(one, other))),
    );
    const mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
    expect(mean(within)).toBeLessThan(0.8 * mean(between));
  });

  test('begins with 1, then features about 1 long and never much longer, then shares of kinds that are 1 together', () => {
    for (const content of [
      ...CODE,
      ...SUMS,
      ...FACTS,
      '',
      '?',
      '𝕏'.repeat(5000),
      '('.repeat(20_000),
      '1\n'.repeat(9000),
    ]) {
      const [first, ...rest] = encode(content);
      expect(first).toBe(1);
      expect(rest).toHaveLength(encoder.dimensions - 1);
      expect(Math.hypot(...rest.slice(0, FEATURES.length))).toBeLessThanOrEqual(2.51);
      const kinds = rest.slice(FEATURES.length);
      expect(kinds.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 2);
      expect(Math.min(...kinds)).toBeGreaterThanOrEqual(0);
    }
    const lengths = [...CODE, ...SUMS, ...FACTS].map((content) =>
      Math.hypot(...encode(content).slice(1, 1 + FEATURES.length)),
    );
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    expect(mean).toBeGreaterThan(0.6);
    expect(mean).toBeLessThan(1.4);
  });

  test('is the same for text in one string and in parts', () => {
    expect(encode([{ type: 'text', text: CODE[0] }])).toEqual(encode(CODE[0]));
  });

  test('tells a conversation, tools, images and a system prompt from none', () => {
    const plain = encode(CODE[0]);
    const user = { role: 'user', content: CODE[0] };
    const others = [
      encode(CODE[0], { tools: [{ type: 'function', function: { name: 'search', parameters: { type: 'object' } } }] }),
      encode(CODE[0], { response_format: { type: 'json_schema' } }),
      encode([
        { type: 'text', text: CODE[0] },
        { type: 'image_url', image_url: { url: 'data:,' } },
      ]),
      Array.from(encoder.encode({ messages: [{ role: 'system', content: 'Be brief.' }, user] })),
      Array.from(encoder.encode({ messages: [user, { role: 'assistant', content: 'Done.' }, user] })),
    ];
    for (const other of others) expect(distance(plain, other)).toBeGreaterThan(0.01);
  });

  test('says what was asked last where the conversation is long', () => {
    const long = 'Tell me a story about him and her. '.repeat(400);
    const asked = (last: string): number[] =>
      Array.from(
        encoder.encode({
          messages: [
            { role: 'user', content: long },
            { role: 'user', content: last.repeat(60) },
          ],
        }),
      );
    expect(distance(asked(CODE[1]!), asked(SUMS[0]!))).toBeGreaterThan(0.3);
  });

  test('can be made of anything that passes for messages, with finite numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ role: fc.string(), content: fc.anything() })),
        fc.option(fc.array(fc.anything())),
        fc.anything(),
        (messages, tools, response_format) => {
          const x = encoder.encode({ messages, tools: tools ?? undefined, response_format });
          expect(x).toHaveLength(encoder.dimensions);
          expect(x.every(Number.isFinite)).toBe(true);
        },
      ),
    );
  });
});
