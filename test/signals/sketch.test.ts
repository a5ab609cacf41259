import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { likeness, nearlySame, sketchOf } from '../../src/signals/sketch.ts';

const KEY = 4711;
const alike = (one: string, other: string) => likeness(sketchOf(one, KEY), sketchOf(other, KEY));
/** Under most keys: of twenty letters any one sketch tells little, and chance decides near the threshold. */
const same = (one: string, other: string) => {
  const keys = Array.from({ length: 25 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  return keys.filter((key) => nearlySame(sketchOf(one, key), sketchOf(other, key))).length > keys.length / 2;
};

const LONG =
  'A farmer has three fields. The first gives twice as much wheat as the second, and the third gives five tons less than ' +
  'both together. In a year with little rain every field gives a quarter less. How much wheat does she harvest in a dry ' +
  'year if the second field gives 12 tons in a good one? Show how you got there.';

const EDITS: readonly [how: string, before: string, after: string][] = [
  ['a clause appended', LONG, `${LONG} Please check carefully.`],
  ['a clause in front', LONG, `Once more: ${LONG}`],
  ['a long clause appended to a short question', 'Why is the sky blue?', 'Why is the sky blue? Explain it to a child.'],
  ['a sentence removed', LONG, LONG.replace(' Show how you got there.', '')],
  ['a typo mended', LONG, LONG.replace('wheat', 'whaet')],
  ['a word replaced', LONG, LONG.replace('farmer', 'neighbour')],
  ['a number changed', LONG, LONG.replace('12', '14')],
  ['capital letters and other white space', LONG, LONG.toUpperCase().replaceAll(' ', ' \n ')],
  ['a mark left out of a short question', 'Wie wird das Wetter morgen?', 'wie wird das wetter morgen'],
  ['Chinese of ten characters, with more', '为什么天空是蓝色的呢?', '为什么天空是蓝色的呢?请仔细检查'],
  ['Chinese of ten characters, less a mark', '北京今天天气怎么样啊?', '北京今天天气怎么样啊'],
  ['full-width forms', 'Python で書いてください。例を三つ', 'Python で書いてください。例を三つ'],
  ['Russian with a word more', 'Почему небо голубое днём?', 'Почему небо голубое днём, а?'],
  ['Greek in capitals', 'Γιατί είναι μπλε ο ουρανός;', 'ΓΙΑΤΊ ΕΊΝΑΙ ΜΠΛΕ Ο ΟΥΡΑΝΌΣ;'],
  ['Hindi with a word more', 'आकाश दिन में नीला क्यों होता है?', 'आकाश दिन में नीला क्यों होता है? बताइए'],
  ['a text of many pages, its end edited', `${LONG} `.repeat(100), `${LONG} `.repeat(100).slice(0, -30)],
];

const OTHERS: readonly [one: string, other: string][] = [
  ['Why is the sky blue?', 'Why is the sea salty?'],
  ['Write a poem about a lost cat.', 'Write a short story about a bakery.'],
  ['Which planet is the largest?', 'Which river is the longest?'],
  ['为什么天空是蓝色的?', '北京今天天气怎么样?'],
  ['为什么天空是蓝色的?', '为什么海水是咸的?'],
  ['Почему небо голубое?', 'Почему море солёное?'],
  ['आकाश नीला क्यों है?', 'समुद्र खारा क्यों है?'],
  [
    LONG,
    'A baker sells three kinds of bread. How many loaves does she bake in a week, if a third of them are left on Sunday?',
  ],
  ['ok', 'no'],
];

describe('a sketch', () => {
  test('is 22 characters of base64url, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer(), (text, key) => {
        const sketch = sketchOf(text, key);
        expect(Buffer.from(sketch, 'base64url').toString('base64url')).toBe(sketch);
        expect(sketch).toHaveLength(22);
        expect(likeness(sketch, sketchOf(text, key))).toBe(1);
        expect(nearlySame(sketch, sketch)).toBe(true);
      }),
    );
  });

  test('estimates what share of its pieces two texts have in common', () => {
    const words = Array.from({ length: 300 }, (_, i) => `word${(i * 7919) % 9973}`);
    const part = (from: number, to: number) => words.slice(from, to).join(' ');
    const texts = part(0, 100);
    expect(alike(texts, part(0, 100))).toBe(1);
    expect(alike(texts, part(100, 200))).toBeLessThan(0.3);
    // Half of either is a third of both.
    const half = Array.from({ length: 20 }, (_, key) =>
      likeness(sketchOf(texts, key * 0x9e3779b1), sketchOf(part(50, 150), key * 0x9e3779b1)),
    );
    const mean = half.reduce((sum, one) => sum + one, 0) / half.length;
    expect(mean).toBeGreaterThan(0.25);
    expect(mean).toBeLessThan(0.55);
  });

  test('of another key means nothing', () => {
    expect(likeness(sketchOf(LONG, 1), sketchOf(LONG, 2))).toBeLessThan(0.4);
  });

  test('that is none is like nothing', () => {
    expect(likeness('', sketchOf('One', KEY))).toBe(0);
    expect(nearlySame('', '')).toBe(false);
  });

  test.each(EDITS)('knows a question again with %s', (_how, before, after) => {
    expect(same(before, after)).toBe(true);
    expect(same(after, before)).toBe(true);
  });

  test.each(OTHERS)('tells apart “%s” and “%s”', (one, other) => {
    expect(same(one, other)).toBe(false);
  });
});
