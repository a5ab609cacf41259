/** What a file of recorded outcomes may hold, and what is said where it holds something else. */
import { expect, test } from 'vitest';
import { readLines } from '../../src/cli/recorded-lines.ts';
import { outcome, PRICES, twoKinds } from '../evaluate/recorded.ts';

/** What is wrong with the last of the lines; the others have to be right. */
function problemWith(rows: readonly unknown[]): string | null {
  const lines = readLines();
  for (const row of rows.slice(0, -1)) expect(lines.add(JSON.stringify(row))).toBeNull();
  return lines.add(JSON.stringify(rows.at(-1)));
}

test('what is wrong is named by its field, with what is allowed', () => {
  const [first, second] = twoKinds(2);
  const dear = outcome(1, 0.001);
  const wrong: [rows: unknown[], problem: string][] = [
    [[second], 'prices: missing (allowed: an object with a price for each model, in the first line)'],
    [
      [first, { ...second, outcomes: { 'p/cheap': outcome(1.5, 0), 'p/dear': dear } }],
      'outcomes["p/cheap"].score: wrong, it is 1.5 (allowed: a number from 0 to 1)',
    ],
    [
      [first, { ...second, outcomes: { 'p/cheap': outcome(1, -1), 'p/dear': dear } }],
      'outcomes["p/cheap"].cost_usd: wrong, it is -1 (allowed: a number, not negative)',
    ],
    [
      [first, { ...second, outcomes: { 'p/dear': dear } }],
      'outcomes["p/cheap"]: missing (allowed: an outcome of each model that the first line has)',
    ],
    [
      [first, { ...second, outcomes: { 'p/cheap': dear, 'p/dear': dear, 'p/new': dear } }],
      'outcomes["p/new"]: a model that the first line has no outcome of (allowed: p/cheap, p/dear)',
    ],
    [
      [{ ...first, outcomes: { 'p/new': dear } }],
      'outcomes["p/new"]: a model without a price (allowed: p/cheap, p/dear)',
    ],
    [
      [{ ...first, prices: { 'p/cheap': { input: 1 } } }],
      'prices["p/cheap"].output: missing (allowed: a number, not negative)',
    ],
    [
      [{ ...first, messages: [] }],
      "messages: wrong, it is [] (allowed: a list of at least one message, as in OpenAI's API)",
    ],
    [[first, { ...second, id: undefined }], 'id: missing (allowed: a text)'],
    [[first, 7], 'the line: wrong, it is 7 (allowed: an object with id, messages and outcomes)'],
    [
      [first, { ...second, prices: { ...PRICES, 'p/dear': { input: 2, output: 2 } } }],
      'prices: other ones than those of the first line (allowed: in the first line alone)',
    ],
  ];
  for (const [rows, problem] of wrong) expect(problemWith(rows)).toBe(problem);
  expect(readLines().add('{"id":')).toBe('not JSON (allowed: one JSON object a line)');
});

test('a line may say more than is needed, and prices may name more models than there are', () => {
  const [first, second] = twoKinds(2);
  const lines = readLines();
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const prices = { 'p/unused': { input: 1, output: 1 }, ...PRICES };
  expect(lines.add(JSON.stringify({ ...first, prices, tools, phase: 0 }))).toBeNull();
  // In whatever order the outcomes stand.
  const { 'p/cheap': cheap, 'p/dear': dear } = second!.outcomes;
  const outcomes = { 'p/dear': { ...dear, latency_s: 2.5 }, 'p/cheap': cheap };
  expect(lines.add(JSON.stringify({ ...second, outcomes, tools: null, prices }))).toBeNull();
  const { models, prompts } = lines.recorded();
  expect(models).toEqual([
    { id: 'p/cheap', price: PRICES['p/cheap'] },
    { id: 'p/dear', price: PRICES['p/dear'] },
  ]);
  expect(prompts[0]?.input.tools).toEqual(tools);
  expect(prompts[1]).toMatchObject({
    id: 'row-1',
    input: { messages: second!.messages, tools: undefined },
    outcomes: [
      { score: 0.9, promptTokens: 20, completionTokens: 100, costUsd: 0.0001, latencySeconds: null },
      { score: 0.5, costUsd: 0.001, latencySeconds: 2.5 },
    ],
  });
});
