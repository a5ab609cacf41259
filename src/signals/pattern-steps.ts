/**
 * Bounds what a regular expression may take. A client's schema may hold one that would backtrack for years over forty
 * characters, and there is no way to stop it once it runs.
 */

/** Escapes and classes, the bounds of groups, quantifiers and alternatives: all that has a say in how many ways there are. */
const PARTS = /\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?:)?|\)|[*+?]|\{\d+(?:,\d*)?\}|\|/gsu;

/**
 * The pattern takes at most so many steps over a text of so many characters: the ways that each quantifier and each choice
 * of alternatives leaves, multiplied, from each place where a match may begin. Infinite where a group is repeated, since
 * its ways multiply with the length of the text, and where the pattern looks around.
 */
export function stepsOf(pattern: string, length: number): number {
  let ways = pattern.startsWith('^') && !pattern.includes('|') ? 1 : length + 1;
  const alternatives = [1];
  let groupEnd = -1;
  let quantifierEnd = -1;
  for (const { 0: part, index } of pattern.matchAll(PARTS)) {
    const end = index + part.length;
    if (part.startsWith('(')) {
      if (pattern[end] === '?') return Number.POSITIVE_INFINITY;
      alternatives.push(1);
    } else if (part === ')') {
      ways *= alternatives.pop() ?? 1;
      groupEnd = end;
    } else if (part === '|') {
      alternatives.push((alternatives.pop() ?? 1) + 1);
    } else if (/^[*+?{]/.test(part)) {
      // One behind another only makes it lazy.
      if (index === quantifierEnd) continue;
      if (index === groupEnd && part !== '?') return Number.POSITIVE_INFINITY;
      ways *= choicesOf(part, length);
      quantifierEnd = end;
    }
  }
  return ways * (alternatives[0] ?? 1) * (pattern.length + 1);
}

function choicesOf(quantifier: string, length: number): number {
  if (quantifier === '?') return 2;
  if (quantifier === '*' || quantifier === '+') return length + 1;
  const [least, most = least] = quantifier.slice(1, -1).split(',');
  return most === '' ? length + 1 : Math.min(Number(most) - Number(least), length) + 1;
}
