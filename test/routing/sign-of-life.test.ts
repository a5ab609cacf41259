/** Work that goes on, and work that ended with its request. */
import { expect, test } from 'vitest';
import { createSignOfLife } from '../../src/routing/sign-of-life.ts';

test('work is lost that gives no sign for too long, however long it has gone on', () => {
  let now = 0;
  const life = createSignOfLife({ clock: () => now }, 10_000);
  expect(life.isLost()).toBe(true);
  for (let i = 0; i < 5; i++) {
    life.give();
    now += 9_999;
    expect(life.isLost()).toBe(false);
  }
  now += 1;
  expect(life.isLost()).toBe(true);
  life.give();
  expect(life.isLost()).toBe(false);
});
