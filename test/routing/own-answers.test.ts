/** What a process knows of the answers that it gave itself. */
import { expect, test } from 'vitest';
import { createOwnAnswers } from '../../src/routing/own-answers.ts';
import { decision } from '../stores/state-store-suite.ts';

test('the latest answers are found by their names, and the oldest ones forgotten with theirs', () => {
  const own = createOwnAnswers(2);
  const [one, two, three] = [decision(), decision(), decision()];
  own.add(one, ['a', 'shared']);
  own.add(two, ['b', 'shared']);
  own.add(three, ['c']);
  expect(own.find('a')).toBe(null);
  expect(own.find('shared')).toBe(two);
  expect(own.find('c')).toBe(three);
});

test('a later version is taken over, an earlier one is not', () => {
  const own = createOwnAnswers(2);
  const one = decision();
  own.add(one, ['a']);
  const rated = { ...one, version: one.version + 1 };
  own.renew(rated);
  own.renew(one);
  expect(own.find('a')).toBe(rated);
  own.renew(decision());
  expect(own.find('b')).toBe(null);
});

test('where asking costs nothing nothing is remembered', () => {
  const own = createOwnAnswers(0);
  own.add(decision(), ['a']);
  expect(own.find('a')).toBe(null);
});
