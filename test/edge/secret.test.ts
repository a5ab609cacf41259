/** The secret where no config names one. */
import { expect, test } from 'vitest';
import { secretWith } from '../../src/edge/secret.ts';
import type { Log } from '../../src/routing/runtime.ts';
import { type SharedState, StoreUnavailable } from '../../src/stores/ports.ts';

function logged(): { log: Log; errors: string[]; problems: object[] } {
  const errors: string[] = [];
  const problems: object[] = [];
  const pass = (): void => {};
  const error = (fields: object, message: string): void => {
    problems.push(fields);
    errors.push(message);
  };
  return { log: { debug: pass, info: pass, warn: pass, error }, errors, problems };
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
  ['cannot be reached', () => Promise.reject(new StoreUnavailable('no connection')), 'no connection'],
  ['does not answer', () => new Promise<string>(() => {}), 'no answer within 1000 ms'],
])('a state store that %s stops nobody, and the log says why and what comes of it', async (_, secret, problem) => {
  const { log, errors, problems } = logged();
  expect(await secretWith(sharing(secret), log)).toMatch(/^[0-9a-f]{64}$/);
  expect(errors).toEqual([expect.stringContaining('this isolate knows no conversation again')]);
  expect(problems).toEqual([{ problem }]);
});
