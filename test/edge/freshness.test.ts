/** How old what an isolate knows may be, and who waits for it. */
import { expect, test } from 'vitest';
import { createFreshness } from '../../src/edge/freshness.ts';
import type { Learner } from '../../src/routing/learner.ts';

function prepare() {
  const deferred: Promise<unknown>[] = [];
  const time = { at: 0 };
  const freshen = createFreshness({ defer: (work) => deferred.push(work), clock: () => time.at });
  return { freshen, time, deferred };
}

function learnerOf(name: string, catchUp: () => Promise<void> = async () => {}) {
  const counted = { caughtUp: 0, looks: 0 };
  const learner = {
    router: { name },
    grown: () => {
      counted.looks++;
    },
    catchUp() {
      counted.caughtUp++;
      return catchUp();
    },
  } as unknown as Learner;
  return { learner, counted };
}

test('the first requests wait until it is known what others have learned, and nobody after them', async () => {
  let known = (): void => {};
  const { freshen } = prepare();
  const { learner, counted } = learnerOf('auto', () => new Promise<void>((resolve) => (known = resolve)));
  let answered = 0;
  const asking = [1, 2].map(() => freshen(learner).then(() => answered++));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(answered).toBe(0);
  known();
  await Promise.all(asking);
  await freshen(learner);
  expect(counted.caughtUp).toBe(1);
});

test.each([
  ['hangs', () => new Promise<void>(() => {})],
  ['fails', () => Promise.reject(new Error('the store is down'))],
])('a store that %s keeps nobody waiting for long, and is waited for once', async (_, catchUp) => {
  const { freshen } = prepare();
  const { learner, counted } = learnerOf('auto', catchUp);
  await freshen(learner);
  await freshen(learner);
  expect(counted.caughtUp).toBe(1);
});

test('what it knows is looked after with a request that comes some seconds later, without a wait', async () => {
  const { freshen, time } = prepare();
  const { learner, counted } = learnerOf('auto');
  for (const [at, looks] of [
    [0, 0],
    [4_999, 0],
    [5_000, 1],
    [9_000, 1],
    [60_000, 2],
  ] as const) {
    time.at = at;
    await freshen(learner);
    expect(counted.looks).toBe(looks);
  }
});

test('each router is looked after by itself, and one that nobody asks not at all', async () => {
  const { freshen, time } = prepare();
  const [one, other, unasked] = [learnerOf('one'), learnerOf('other'), learnerOf('unasked')];
  await freshen(one.learner);
  time.at = 4_000;
  await freshen(other.learner);
  time.at = 6_000;
  await freshen(one.learner);
  await freshen(other.learner);
  expect(one.counted).toEqual({ caughtUp: 1, looks: 1 });
  expect(other.counted).toEqual({ caughtUp: 1, looks: 0 });
  expect(unasked.counted).toEqual({ caughtUp: 0, looks: 0 });
});
