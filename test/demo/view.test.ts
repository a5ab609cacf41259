/** What the demo shows, and what it counts. */
import { styleText } from 'node:util';
import { describe, expect, test } from 'vitest';
import { plain } from '../../src/cli/terminal/screen.ts';
import { answerTokens, costOf, MODELS } from '../../src/demo/models.ts';
import { createTally, LATEST } from '../../src/demo/tally.ts';
import {
  bar,
  drawFrame,
  drawInvitation,
  drawLine,
  drawSummary,
  fitted,
  type Scene,
  type Style,
  sparkline,
} from '../../src/demo/view.ts';

const [swift, forge, , grand] = MODELS;
const names = MODELS.map(({ name }) => name);
const quarter = Object.fromEntries(names.map((name) => [name, 0.25]));

const scene: Scene = {
  url: 'http://127.0.0.1:8787',
  seconds: 3661,
  requests: 123_456,
  inFlight: 180,
  failures: 0,
  lastFailure: null,
  latest: LATEST,
  shares: quarter,
  sharesByKind: { code: quarter, maths: quarter, writing: quarter, extraction: quarter },
  learned: Object.fromEntries(names.map((name) => [name, { mean: 1, low: 1, high: 1 }])),
  qualities: { served: 0.945, bestFixed: 0.865, random: 0.73 },
  curve: Array.from({ length: 400 }, (_, i) => 0.7 + i / 2000),
  money: { spent: 123.45, alone: Object.fromEntries(names.map((name) => [name, 617.25])) },
  reactions: { up: 55_555, down: 11_111, regenerated: 9_999, continued: 22_222, left: 9_999 },
  visitors: 1234,
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
const bare = (line: string): string => line.replace(/\u001b\[\d+m/g, '');

const styled =
  (format: Parameters<typeof styleText>[0]) =>
  (text: string): string =>
    styleText(format, text, { validateStream: false });
const coloured: Style = { bold: styled('bold'), dim: styled('dim'), good: styled('green'), bad: styled('red') };

describe('the view', () => {
  test('the invitation names what a browser can open', () => {
    expect(drawInvitation('http://127.0.0.1:8787', plain).join('\n')).toContain('http://127.0.0.1:8787/dashboard');
  });

  test('fits 80 columns and 24 rows, even with large numbers', () => {
    const frame = drawFrame(scene, coloured);
    expect(frame.length).toBeLessThan(24);
    for (const line of [...frame, ...drawInvitation(scene.url, coloured), ...drawSummary(scene, coloured)])
      expect(bare(line).length, line).toBeLessThanOrEqual(80);
  });

  test('says in every part that models and people are simulated', () => {
    expect(drawInvitation(scene.url, plain).join('\n')).toContain('SIMULATED');
    expect(drawFrame(scene, plain)[0]).toContain('simulated');
    expect(drawLine(scene)).toContain('simulated');
    expect(drawSummary(scene, plain)[0]).toContain('simulated');
  });

  test('tells shares, quality against the best fixed model and random, and money saved', () => {
    const text = drawFrame(scene, plain).join('\n');
    for (const name of names) expect(text).toMatch(new RegExp(`${name}.* 25%`));
    expect(text).toContain('served 94.5');
    expect(text).toContain(`(${grand!.name}) 86.5`);
    expect(text).toContain('random 73.0');
    expect(text).toContain('saved 80%');
    expect(text).toContain('123,456 requests');
  });

  test('has no colour codes where none are wanted', () => {
    expect(drawFrame(scene, plain).join('')).not.toContain('\u001b');
    expect(drawFrame(scene, coloured).join('')).toContain('\u001b[');
  });

  test('can be drawn before anything has happened', () => {
    const nothing: Scene = { ...scene, learned: {}, qualities: null, curve: [], requests: 0, latest: 0 };
    expect(drawFrame(nothing, plain).join('\n')).toContain('nothing yet');
    expect(drawLine(nothing)).toContain('no answers yet');
    expect(drawSummary(nothing, plain).join('\n')).toContain('0 requests');
  });

  test('shows the last failure', () => {
    const failed = { ...scene, failures: 2, lastFailure: '502 every arm failed' };
    expect(drawFrame(failed, plain)[0]).toContain('2 failed: 502 every arm');
    expect(drawSummary(failed, plain).join('\n')).toContain('last failure: 502 every arm failed');
  });

  test('bars and curves have their width whatever they show', () => {
    expect(bar(0, 10)).toBe(' '.repeat(10));
    expect(bar(1, 10)).toBe('█'.repeat(10));
    expect(bar(0.5, 10)).toBe('█████     ');
    for (let share = 0; share <= 1; share += 0.01) expect(bar(share, 10)).toHaveLength(10);
    expect(sparkline([0.5, 0.75, 1], 0.5)).toBe('▁▅█');
    expect(sparkline([0, 2], 0.5)).toBe('▁█');
    expect(sparkline(scene.curve, 0.7).length).toBeLessThan(40);
  });

  test('a line is cut at the terminal’s width without losing the end of its colour', () => {
    expect(fitted(`${coloured.bold('abcdef')}gh`, 3)).toBe('\u001b[1mabc\u001b[22m');
    expect(fitted('abc', 80)).toBe('abc');
  });
});

describe('the tally', () => {
  test('counts shares and qualities of the latest answers only', () => {
    const tally = createTally();
    expect(tally.qualities()).toBeNull();
    tally.served({ model: forge!, kind: 'maths', language: 'en' });
    for (let i = 0; i < LATEST; i++) tally.served({ model: swift!, kind: 'writing', language: 'en' });
    expect(tally.requests).toBe(LATEST + 1);
    expect(tally.latest).toBe(LATEST);
    expect(tally.shares()[swift!.name]).toBe(1);
    expect(tally.shares('maths')[forge!.name]).toBe(0);
    expect(tally.qualities()?.served).toBeCloseTo(swift!.quality.writing);
    expect(tally.qualities()?.bestFixed).toBeCloseTo(grand!.quality.writing);
    expect(tally.curve()).toHaveLength(3);
  });

  test('prices the same requests for every model alone, as far as the person listened', () => {
    const tally = createTally();
    const prompt = 'a prompt';
    const completionTokens = answerTokens(swift!, prompt) / 2;
    tally.billed({ model: swift!, prompt, promptTokens: 10, completionTokens, part: 0.5, user: 'somebody' });
    const { spent, alone } = tally.money();
    expect(spent).toBeCloseTo(costOf(swift!, 10, completionTokens), 12);
    expect(alone[swift!.name]).toBeCloseTo(spent, 12);
    expect(alone[grand!.name]).toBeCloseTo(costOf(grand!, 10, answerTokens(grand!, prompt) / 2), 12);
    expect(tally.visitors).toBe(1);
  });
});
