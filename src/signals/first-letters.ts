/**
 * Sorts the alternatives of a pattern by the letters that they may begin with. A pattern of hundreds of phrases takes tens of
 * milliseconds to compile, and at one place of a text all but those that begin with its letter are compiled in vain.
 */

const LETTER = /^[\p{L} ]$/u;
const REPEATED = /^(?:[?*+]|\{[\d,]+\})?/;
const MAY_BE_LEFT_OUT = /^(?:[?*]|\{0)/;

/** What may end an alternative, and what else such a mark may be part of: an escape and a class are taken whole. */
const TELLING = /\\.|\[(?:\\.|[^\]\\])*\]|[()|]/gsu;

/** The alternatives at the top of a pattern. Runs while the program starts, where a step for each character takes milliseconds. */
export function alternativesOf(source: string): string[] {
  const alternatives: string[] = [];
  let from = 0;
  let depth = 0;
  TELLING.lastIndex = 0;
  for (let found = TELLING.exec(source); found; found = TELLING.exec(source)) {
    const mark = found[0];
    if (mark === '(') depth++;
    else if (mark === ')') depth--;
    else if (mark === '|' && depth === 0) {
      alternatives.push(source.slice(from, found.index));
      from = found.index + 1;
    }
  }
  alternatives.push(source.slice(from));
  return alternatives;
}

/** The characters that a match may begin with; null where it may begin with others, or be empty. */
export function beginningsOf(source: string): Set<string> | null {
  const letters = new Set<string>();
  for (const alternative of alternativesOf(source)) {
    let rest = alternative;
    for (let mayBeLeftOut = true; mayBeLeftOut; ) {
      const end = endOfPiece(rest, 0);
      const piece = rest.slice(0, end);
      if (piece.startsWith('(?:')) {
        const inside = beginningsOf(piece.slice(3, -1));
        if (inside === null) return null;
        for (const letter of inside) letters.add(letter);
      } else if (LETTER.test(piece)) letters.add(piece);
      else return null;
      const repeated = (REPEATED.exec(rest.slice(end)) as RegExpExecArray)[0];
      mayBeLeftOut = MAY_BE_LEFT_OUT.test(repeated);
      rest = rest.slice(end + repeated.length);
    }
  }
  return letters;
}

/** Behind a group, an escape, a class or a character, without what repeats it. */
function endOfPiece(source: string, at: number): number {
  let depth = 0;
  let end = at;
  do {
    const character = source[end];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '\\') end++;
    else if (character === '[') end = endOfClass(source, end);
    end++;
  } while (depth > 0 && end < source.length);
  return end;
}

function endOfClass(source: string, at: number): number {
  let end = at + 1;
  while (end < source.length && source[end] !== ']') end += source[end] === '\\' ? 2 : 1;
  return end;
}
