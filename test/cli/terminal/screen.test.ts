import { spawnSync } from 'node:child_process';
import type { WriteStream } from 'node:tty';
import { expect, test } from 'vitest';
import { redraws, screenOf } from '../../../src/cli/terminal/screen.ts';

const stream = (isTTY: boolean, columns?: number): WriteStream => ({ isTTY, columns }) as WriteStream;

test('a table may be as wide as the terminal, 80 columns where nobody says, and never too narrow to be read', () => {
  expect(screenOf(stream(true, 120), {}).columns).toBe(120);
  expect(screenOf(stream(true, 10), {}).columns).toBe(40);
  // What does not know its own width says 0.
  expect(screenOf(stream(true, 0), {}).columns).toBe(80);
  expect(screenOf(stream(false), {}).columns).toBe(80);
});

test('without a terminal the variable COLUMNS counts, where it is a number', () => {
  expect(screenOf(stream(false), { COLUMNS: '132' }).columns).toBe(132);
  expect(screenOf(stream(false), { COLUMNS: 'wide' }).columns).toBe(80);
  expect(screenOf(stream(false), { COLUMNS: '' }).columns).toBe(80);
  expect(screenOf(stream(true, 100), { COLUMNS: '132' }).columns).toBe(100);
});

test('a line is drawn over another one on terminals alone that can do so and are no log', () => {
  expect(redraws(stream(true), {})).toBe(true);
  expect(redraws(stream(true), { TERM: 'dumb' })).toBe(false);
  expect(redraws(stream(true), { CI: 'true' })).toBe(false);
  expect(redraws(stream(false), {})).toBe(false);
});

const SCREEN = new URL('../../../src/cli/terminal/screen.ts', import.meta.url);
const CODE = `import(${JSON.stringify(SCREEN.href)}).then(({ screenOf }) => console.log(screenOf(process.stdout).style.good('x')))`;

/** What is printed where stdout is no terminal. */
const printed = (env: Record<string, string>): string =>
  spawnSync(process.execPath, ['-e', CODE], { env: { PATH: process.env.PATH ?? '', ...env }, encoding: 'utf8' }).stdout;

test('colours are for terminals, and for who asks for them', () => {
  expect(printed({})).toBe('x\n');
  expect(printed({ FORCE_COLOR: '1' })).toBe('\u001b[32mx\u001b[39m\n');
  expect(printed({ FORCE_COLOR: '0' })).toBe('x\n');
});
