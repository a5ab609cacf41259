/** `conduit report`, as an operator meets it. */
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { lineOf } from '../../src/cli/decision-lines.ts';
import { encoder } from '../../src/context/encoder.ts';
import { createDice } from '../../src/evaluate/dice.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { finishedDecision, START } from '../stores/finished-decision.ts';
import { conduit, directory } from './run-cli.ts';

const CONFIG = `
providers: { p: { base_url: "http://127.0.0.1:1/v1" } }
models:
  - { id: p/dear, price: { input: 1, output: 10 } }
  - { id: p/cheap, price: { input: 0.1, output: 1 } }
routers: { auto: { models: [p/dear, p/cheap], policy: random } }
`;

/** Decisions by lot, rated: the dear model is better, and costs ten times as much. */
function decisionsByLot(count: number): DecisionRecord[] {
  const random = createDice(1);
  return Array.from({ length: count }, (_, i) => {
    const isDear = random() < 0.5;
    const model = isDear ? 'p/dear' : 'p/cheap';
    const quality = random() < (isDear ? 0.9 : 0.7) ? 1 : 0;
    const made = finishedDecision({ created: START + 60_000 * i });
    return {
      ...made,
      chosen: model,
      model,
      reason: 'explore' as const,
      propensity: 0.5,
      candidates: ['p/dear', 'p/cheap'].map((id) => ({
        ...made.candidates[0]!,
        model: id,
        eligible: true,
        ruledOut: null,
        propensity: 0.5,
      })),
      encoder: encoder.id,
      x: [1, ...new Array<number>(encoder.dimensions - 1).fill(0)],
      attempts: [{ ...made.attempts[1]!, model }],
      outcome: { ...made.outcome!, costUsd: isDear ? 0.003 : 0.0003 },
      reward: quality,
      label: { quality, weight: 1, shown: 0, next: 0, share: 0 },
      // Every tenth goes on with a conversation.
      turn: i % 10 === 9 ? 1 : 0,
      retry: 0,
    };
  });
}

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => stringWidth(line)));

async function keeping(decisions: DecisionRecord[]): Promise<string> {
  const folder = directory({ 'conduit.yaml': CONFIG, 'these.jsonl': decisions.map(lineOf).join('') });
  expect(await conduit(['import', 'these.jsonl'], folder)).toMatchObject({ code: 0 });
  return folder;
}

describe('conduit report', () => {
  test('prints what each policy would have given and saved, for people and as JSON', async () => {
    const folder = await keeping(decisionsByLot(1_000));
    const { code, stdout } = await conduit(['report'], folder);
    expect(code).toBe(0);
    expect(stdout).toContain('auto: 900 first decisions, 2025-11-24 to 2025-11-25');
    expect(stdout).toContain('left out: 100 later turn');
    expect(stdout).toMatch(
      /^always p\/cheap +0\.[67]\d+ ±\.0\d+ +\$0\.3\d* ±\.\d+ +−0\.[12]\d+ ±\.0\d+ +90% ±0% +\d+$/m,
    );
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\u001b');
    const json = await conduit(
      ['report', 'auto', '--json', '--usd-per-request', '0.001', '--policy', 'thompson'],
      folder,
    );
    const report = JSON.parse(json.stdout) as { object: string; targets: { name: string }[] };
    expect(report.object).toBe('router.report');
    expect(report.targets.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['thompson', 'usd_per_request: 0.001']),
    );
  });

  test('has colours where they are asked for, and never in JSON', async () => {
    const folder = await keeping(decisionsByLot(1_000));
    const forced = { FORCE_COLOR: '1' };
    expect((await conduit(['report'], folder, forced)).stdout).toContain('\u001b[31m−0.');
    const { stdout } = await conduit(['report', '--json'], folder, forced);
    expect(stdout).not.toContain('\u001b');
    expect(JSON.parse(stdout)).toMatchObject({ router: 'auto' });
  });

  test('has no columns of the baseline where the log cannot tell of that', async () => {
    const chances = { 'p/dear': 0.001, 'p/cheap': 0.999 };
    const allCheap = decisionsByLot(600).map((decision) => ({
      ...decision,
      chosen: 'p/cheap',
      model: 'p/cheap',
      propensity: chances['p/cheap'],
      candidates: decision.candidates.map((one) => ({
        ...one,
        propensity: chances[one.model as keyof typeof chances],
      })),
      attempts: [{ ...decision.attempts[0]!, model: 'p/cheap' }],
    }));
    const { stdout } = await conduit(['report'], await keeping(allCheap));
    expect(stdout).toMatch(/^policy +quality +USD per 1k requests +size$/m);
    expect(stdout).not.toContain('saved');
  });

  test('says that the log cannot tell where it is too short', async () => {
    const folder = await keeping(decisionsByLot(40));
    const { code, stdout } = await conduit(['report', '--since', '2025-01-01'], folder);
    expect(code).toBe(0);
    expect(stdout).toContain('Of these the log cannot tell: it takes a size of 100.');
    expect(stdout).toMatch(/^always p\/dear +\d\d$/m);
    const later = await conduit(['report', '--since', '2026-01-01'], folder);
    expect(later.stdout).toContain('auto: 0 first decisions');
  });

  test.each([
    [['report', 'nonsense'], "there is no router 'nonsense' (allowed: auto)\n"],
    [['report', '--policy', 'nonsense'], "--policy: 'nonsense' is no policy."],
    [['report', '--since', 'yesterday'], "--since: 'yesterday' is no time."],
    [['report', '--since', '0d'], "--since: '0d' is no time."],
    [['report', '--since', '7'], "--since: '7' is no time."],
    [['report', '--usd-per-request', '0'], "--usd-per-request: '0' is no number of USD above 0."],
  ])('of %j says only what is wrong', async (args, message) => {
    const folder = directory({ 'conduit.yaml': CONFIG });
    const { code, stdout, stderr } = await conduit(args, folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
  });
});
