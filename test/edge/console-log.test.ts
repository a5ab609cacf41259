/** What a Worker's log has. */
import { expect, test, vi } from 'vitest';
import { createConsoleLog } from '../../src/edge/console-log.ts';

test.each([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['silent', []],
] as const)('%s has what is as grave, or graver', (level, expected) => {
  const written = vi.spyOn(console, 'log').mockImplementation(() => {});
  const log = createConsoleLog(() => level);
  for (const one of ['debug', 'info', 'warn', 'error'] as const) log[one]({}, 'said');
  expect(written.mock.calls.map(([line]) => JSON.parse(line).level)).toEqual(expected);
  written.mockRestore();
});

test('an error is told by its message', () => {
  const written = vi.spyOn(console, 'log').mockImplementation(() => {});
  createConsoleLog(() => 'info').warn({ err: new Error('away'), arm: 'a' }, 'it failed');
  expect(JSON.parse(written.mock.calls[0]?.[0])).toEqual({
    level: 'warn',
    message: 'it failed',
    err: 'away',
    arm: 'a',
  });
  written.mockRestore();
});
