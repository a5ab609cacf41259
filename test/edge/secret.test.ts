/** The secret where no config names one. */
import { expect, test } from 'vitest';
import { secretWith } from '../../src/edge/secret.ts';
import type { Log } from '../../src/routing/runtime.ts';
import { type SharedState, StoreUnavailable } from '../../src/stores/ports.ts';

function logged(): { log: Log; errors: string[] } {
  const errors: string[] = [];
  const pass = (): void => {};
  return { log: { debug: pass, info: pass, warn: pass, error: (_, message) => errors.push(message) }, errors };
}

const sharing = (secret: SharedState['secret']) => ({ shared: { secret } as SharedState });

test('all isolates have the one that the state keeps', async () => {
  const { log, errors } = logged();
  expect(
    await secretWith(
      sharing(async () => 'the one that is kept'),
      log,
    ),
  ).toBe('the one that is kept');
  expect(errors).toEqual([]);
});

test('an isolate whose memory is its own makes one for itself', async () => {
  const { log, errors } = logged();
  expect(await secretWith({ shared: null }, log)).toMatch(/^[0-9a-f]{64}$/);
  expect(errors).toEqual([]);
});

test.each([
  ['cannot be reached', () => Promise.reject(new StoreUnavailable('no connection'))],
  ['does not answer', () => new Promise<string>(() => {})],
])('a state store that %s stops nobody, and the log says what comes of it', async (_, secret) => {
  const { log, errors } = logged();
  expect(await secretWith(sharing(secret), log)).toMatch(/^[0-9a-f]{64}$/);
  expect(errors).toEqual([expect.stringContaining('this isolate knows no conversation again')]);
});
