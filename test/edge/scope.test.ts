/** What is open belongs to one request, and goes with it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type Held, openScope } from '../../src/edge/scope.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function openThing(): Held {
  const closed = Promise.withResolvers<void>();
  let open = true;
  return {
    isOpen: () => open,
    closed: closed.promise,
    close() {
      open = false;
      closed.resolve();
    },
  };
}

test('what a request holds is opened once, and again where it was closed', async () => {
  const waitedFor: Promise<unknown>[] = [];
  const scope = openScope((work) => waitedFor.push(work));
  const key = {};
  const first = scope.held(key, openThing);
  expect(scope.held(key, openThing)).toBe(first);
  first.close();
  const second = scope.held(key, openThing);
  expect(second).not.toBe(first);
  await waitedFor[0];
  expect(scope.held(key, openThing)).toBe(second);
  scope.close();
  await Promise.all(waitedFor);
  expect(second.isOpen()).toBe(false);
});

test('what was closed is let go of, however long the scope itself is kept', async () => {
  const waitedFor: Promise<unknown>[] = [];
  const scope = openScope((work) => waitedFor.push(work));
  const openAndClose = (): WeakRef<Held> => {
    const thing = scope.held({}, openThing);
    thing.close();
    return new WeakRef(thing);
  };
  const seen = openAndClose();
  await Promise.all(waitedFor.splice(0));
  await expect
    .poll(() => {
      collectGarbage();
      return seen.deref() === undefined;
    })
    .toBe(true);
  expect(scope).toBeDefined();
});
