/** Fills templates by dice: `{word}` is one of a list by that name, filled in turn, `{n}` and `{nn}` are numbers. */
import { pick } from '../dice.ts';

export type Lists = Readonly<Record<string, readonly string[]>>;

/** Even positions are text, odd ones names. Each template is taken apart once. */
const parts = new Map<string, readonly string[]>();

function partsOf(template: string): readonly string[] {
  let found = parts.get(template);
  if (!found) {
    found = template.split(/\{(\w+)\}/);
    parts.set(template, found);
  }
  return found;
}

const NUMBERS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  d: [2, 9],
  n: [11, 99],
  nn: [101, 9999],
  year: [1951, 2025],
};

/** A name without a list stays as it is, so that templates may hold code. */
export function fill(template: string, lists: Lists, random: () => number): string {
  const found = partsOf(template);
  let text = found[0]!;
  for (let i = 1; i < found.length; i += 2) {
    const name = found[i]!;
    const range = NUMBERS[name];
    const list = lists[name];
    if (range) text += range[0] + Math.floor(random() * (range[1] - range[0] + 1));
    else text += list ? fill(pick(list, random), lists, random) : `{${name}}`;
    text += found[i + 1]!;
  }
  return text;
}
