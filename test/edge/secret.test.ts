/** The secret where no config names one. */
import { expect, test } from 'vitest';
import { askForSecret } from '../../src/edge/secret.ts';
import { type SharedState, StoreUnavailable } from '../../src/stores/ports.ts';

const sharing = (secret: SharedState['secret']) => ({ shared: { secret } as SharedState });

test('all isolates have the one that the state keeps', async () => {
  expect(await askForSecret(sharing(async () => 'the one that is kept'))).toEqual({ secret: 'the one that is kept' });
});

test('an isolate whose memory is its own makes one for itself', async () => {
  expect(await askForSecret({ shared: null })).toEqual({ secret: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test.each([
  ['cannot be reached', () => Promise.reject(new StoreUnavailable('no connection')), 'no connection'],
  ['does not answer', () => new Promise<string>(() => {}), 'no answer within 1000 ms'],
])('of a state store that %s it is told in time why there is none', async (_, secret, problem) => {
  expect(await askForSecret(sharing(secret))).toEqual({ problem });
});
