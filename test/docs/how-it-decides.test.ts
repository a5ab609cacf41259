/** The example that docs/how-it-decides.md works through comes out of the code, and the reasons that it lists are those there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chancesOfBeingHighest } from '../../src/bandit/highest.ts';
import { linearThompson } from '../../src/bandit/policies/linear-thompson.ts';
import type { ArmView } from '../../src/bandit/policies/policy.ts';
import { expectedCost, tollOf } from '../../src/bandit/utility.ts';
import { encoder } from '../../src/context/encoder.ts';
import { REASONS } from '../../src/stores/decision-record.ts';

const docs = join(import.meta.dirname, '../../docs');
const page = readFileSync(join(docs, 'how-it-decides.md'), 'utf8');

/** A table's rows by their first cell, without emphasis. */
function rowsOf(part: string): Map<string, string[]> {
  const text = page.split(`<!-- ${part}:begin -->`)[1]?.split(`<!-- ${part}:end -->`)[0] ?? '';
  const rows = text
    .trim()
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.replaceAll('**', '').trim()),
    );
  return new Map(rows.map(([name = '', ...cells]) => [name, cells]));
}

describe('the example', () => {
  const rows = rowsOf('walked');
  const cells = (start: string): string[] => {
    const name = [...rows.keys()].find((one) => one.startsWith(start));
    if (name === undefined) throw new Error(`no row '${start}'`);
    return (rows.get(name) as string[]).slice(0, 3);
  };
  const numbers = (start: string): number[] => cells(start).map(Number);
  const pairs = (start: string): [number, number][] =>
    cells(start).map((cell) => cell.split(' / ').map(Number) as [number, number]);
  const usdPerPoint = Number(/at USD ([\d.]+) a point/.exec(page)?.[1]);
  const FLOOR = 0.02;

  test('costs what tokens and prices come to', () => {
    const tokens = pairs('expected tokens');
    for (const [k, [input, output]] of pairs('price').entries()) {
      const [promptTokens, outputTokens] = tokens[k]!;
      expect(expectedCost({ input, output }, promptTokens, outputTokens)).toBeCloseTo(numbers('expected cost')[k]!, 7);
    }
  });

  test('is worth its quality less what its cost takes off', () => {
    for (const [k, costUsd] of numbers('expected cost').entries()) {
      const toll = tollOf({ usdPerPoint, secondsPerPoint: Number.POSITIVE_INFINITY }, costUsd, 0);
      expect(toll).toBeCloseTo(numbers('what that takes off')[k]!, 4);
      expect(numbers('expected quality')[k]! - toll).toBeCloseTo(numbers('utility')[k]!, 4);
    }
  });

  test('is drawn as often as it may be the best, and with the floor', () => {
    const labels = numbers('labels so far');
    const posterior = { meanObservations: labels.reduce((sum, one) => sum + one, 0) / labels.length };
    const scores = labels.map((observations, k) =>
      linearThompson.score({
        mean: numbers('expected quality')[k],
        ownDeviation: numbers('its deviation')[k],
        toll: numbers('what that takes off')[k],
        observations,
        posterior,
      } as ArmView),
    );
    for (const [k, { nodes }] of scores.entries()) {
      const part = (nodes.at(-1)! - nodes[0]!) / 6.4 / numbers('its deviation')[k]!;
      expect(part).toBeCloseTo(numbers('part of the deviation')[k]!, 4);
    }
    for (const [k, chance] of chancesOfBeingHighest(scores).entries()) {
      expect(chance).toBeCloseTo(numbers('chance to be the best')[k]!, 4);
      expect((1 - FLOOR) * chance + FLOOR / 3).toBeCloseTo(numbers('propensity')[k]!, 4);
    }
  });

  test('has the features that its prompt has', () => {
    const asked = /^> (.+)$/m.exec(page)?.[1] as string;
    const x = encoder.encode({ messages: [{ role: 'user', content: asked }] });
    expect(x).toHaveLength(51);
    expect(page).toContain(`"x": [${x.slice(0, 3).join(', ')}`);
    expect(x.filter((share) => share === 1)).toHaveLength(2);
  });
});

test('each reason is explained, there and in what every completion carries', () => {
  expect([...rowsOf('reasons').keys()].sort()).toEqual(REASONS.map((reason) => `\`${reason}\``).sort());
  const operate = readFileSync(join(docs, 'operate.md'), 'utf8');
  for (const reason of REASONS) expect(operate).toContain(`\`${reason}\``);
});
