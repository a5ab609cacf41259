/** Globs of models and names. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesGlob } from '../../src/config/glob.ts';

test.each([
  ['openai/*', 'openai/gpt-5', true],
  ['openai/*', 'groq/openai/gpt-oss', false],
  ['gpt-4o-*', 'gpt-4o-mini', true],
  ['gpt-4o-*', 'gpt-4o', false],
  ['gpt-4o', 'gpt-4o-mini', false],
  ['*', 'anything/at/all', true],
  ['a*a', 'a', false],
  ['*mini*', 'gpt-5-mini-2025', true],
  ['gpt.5', 'gpt-5', false],
])('%s against %s: %s', (pattern, name, expected) => {
  expect(matchesGlob(pattern, name)).toBe(expected);
});

test('agrees with a regular expression on every pattern', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 10 });
  fc.assert(
    fc.property(letters, name, (pattern, text) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text);
      expect(matchesGlob(pattern, text)).toBe(expected);
    }),
  );
});

test('a pattern that would make a regular expression run away takes no time', () => {
  const started = performance.now();
  expect(matchesGlob('*a'.repeat(50), 'a'.repeat(20_000))).toBe(true);
  expect(matchesGlob(`${'*a'.repeat(50)}b`, 'a'.repeat(20_000))).toBe(false);
  expect(performance.now() - started).toBeLessThan(5_000);
});
