/** How old what an isolate knows may be, and who waits for it. */
import { expect, test } from 'vitest';
import { createFreshness } from '../../src/edge/freshness.ts';

function prepare(catchUp: () => Promise<unknown>) {
  const deferred: Promise<unknown>[] = [];
  const counted = { at: 0, caughtUp: 0, looks: 0 };
  const freshness = createFreshness({
    catchUp() {
      counted.caughtUp++;
      return catchUp();
    },
    mayHaveGrown: () => counted.looks++,
    defer: (work) => deferred.push(work),
    clock: () => counted.at,
  });
  return { freshness, counted, deferred };
}

test('the first requests wait until it is known what others have learned, and nobody after them', async () => {
  let known = (): void => {};
  const { freshness, counted } = prepare(() => new Promise<void>((resolve) => (known = resolve)));
  let answered = 0;
  const asking = [1, 2].map(() => freshness.ask().then(() => answered++));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(answered).toBe(0);
  known();
  await Promise.all(asking);
  await freshness.ask();
  expect(counted.caughtUp).toBe(1);
});

test.each([
  ['hangs', () => new Promise(() => {})],
  ['fails', () => Promise.reject(new Error('the store is down'))],
])('a store that %s keeps nobody waiting for long, and is waited for once', async (_, catchUp) => {
  const { freshness, counted } = prepare(catchUp);
  await freshness.ask();
  await freshness.ask();
  expect(counted.caughtUp).toBe(1);
});

test('what it knows is looked after with a request that comes some seconds later, without a wait', async () => {
  const { freshness, counted } = prepare(async () => {});
  for (const [at, looks] of [
    [0, 0],
    [4_999, 0],
    [5_000, 1],
    [9_000, 1],
    [60_000, 2],
  ] as const) {
    counted.at = at;
    await freshness.ask();
    expect(counted.looks).toBe(looks);
  }
});
