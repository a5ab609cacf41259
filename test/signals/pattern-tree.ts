/** Reads a regular expression's source, as far as the phrases use them, so that what it repeats can be looked at. */

/** One way after another, each a sequence. */
export type Alternatives = readonly (readonly Piece[])[];

export interface Piece {
  of: Alternatives | { class: string } | { look: string };
  least: number;
  most: number;
}

export function parsed(source: string): Alternatives {
  let at = 0;
  const readAlternatives = (): Alternatives => {
    const alternatives: Piece[][] = [[]];
    while (at < source.length && source[at] !== ')') {
      if (source[at] === '|') {
        alternatives.push([]);
        at++;
      } else alternatives.at(-1)?.push(readPiece());
    }
    return alternatives;
  };
  const readPiece = (): Piece => {
    const of = readOne();
    const quantifier = /^(?:[?*+]|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at));
    if (!quantifier) return { of, least: 1, most: 1 };
    at += quantifier[0].length;
    const [whole, least, comma, most] = quantifier;
    if (whole.startsWith('?')) return { of, least: 0, most: 1 };
    if (whole.startsWith('*')) return { of, least: 0, most: Number.POSITIVE_INFINITY };
    if (whole.startsWith('+')) return { of, least: 1, most: Number.POSITIVE_INFINITY };
    return { of, least: Number(least), most: comma === '' ? Number(least) : Number(most || Infinity) };
  };
  const readOne = (): Piece['of'] => {
    const rest = source.slice(at);
    const opened = /^\((\?(?::|<?[=!]))?/.exec(rest);
    if (opened) {
      const from = at;
      at += opened[0].length;
      const inside = readAlternatives();
      at++;
      return opened[1] === undefined || opened[1] === '?:' ? inside : { look: source.slice(from, at) };
    }
    const found = (/^\[(?:\\.|[^\]\\])*\]|^\\p\{\w+\}|^\\.|^./su.exec(rest) as RegExpExecArray)[0];
    at += found.length;
    return { class: found };
  };
  const all = readAlternatives();
  if (at < source.length) throw new Error(`unread: ${source.slice(at)}`);
  return all;
}

/** Texts that the alternatives match, at most so many; of what is repeated once, or left out where it may be. */
export function textsOf(alternatives: Alternatives, most: number): string[] {
  return alternatives.flatMap((sequence) => textsOfSequence(sequence, most)).slice(0, most);
}

export function textsOfSequence(sequence: readonly Piece[], most: number): string[] {
  let texts = [''];
  for (const { of, least } of sequence) {
    if ('look' in of) continue;
    const inside = 'class' in of ? charactersOf(of.class) : textsOf(of, most);
    const next = least === 0 ? ['', ...inside] : inside;
    texts = texts.flatMap((text) => next.map((more) => text + more)).slice(0, most);
  }
  return texts;
}

/** Of a class that lists its characters each of them, of another one that is in no phrase. */
function charactersOf(written: string): string[] {
  if (/^\[[^\\^-]+\]$/.test(written)) return Array.from(written.slice(1, -1));
  if (/^\\[^\w]$/.test(written)) return [written.slice(1)];
  return written.length <= 2 && !written.startsWith('\\') && written !== '.' ? [written] : ['\u00a4'];
}

export interface Repeated {
  /** What may stand in front. */
  before: string[];
  /** What one round may be. */
  rounds: string[];
  least: number;
  most: number;
}

/** Groups that may come more than once, wherever they stand. */
export function repeatedIn(alternatives: Alternatives, most: number, before: readonly string[] = ['']): Repeated[] {
  return alternatives.flatMap((sequence) =>
    sequence.flatMap((piece, i): Repeated[] => {
      if (!Array.isArray(piece.of)) return [];
      const own = textsOfSequence(sequence.slice(0, i), most);
      const here = before.flatMap((text) => own.map((more) => text + more)).slice(0, most);
      const inside = repeatedIn(piece.of, most, here);
      if (piece.most <= 1) return inside;
      return [{ before: here, rounds: textsOf(piece.of, 5000), least: piece.least, most: piece.most }, ...inside];
    }),
  );
}

/**
 * A text that can be put together out of the pieces in two ways, or null (Sardinas and Patterson, "A necessary and sufficient
 * condition for the unique decomposition of coded messages", 1953).
 */
export function readTwoWays(pieces: readonly string[]): string | null {
  const words = new Set(pieces);
  if (words.size < pieces.length) return pieces.find((piece, i) => pieces.indexOf(piece) !== i) as string;
  if (words.has('')) return '';
  const rests = new Set<string>();
  const open: string[] = [];
  const add = (rest: string): void => {
    if (rests.has(rest)) return;
    rests.add(rest);
    open.push(rest);
  };
  for (const one of words)
    for (const other of words) if (one !== other && other.startsWith(one)) add(other.slice(one.length));
  for (let rest = open.pop(); rest !== undefined; rest = open.pop()) {
    if (words.has(rest)) return rest;
    for (const word of words) {
      if (word.startsWith(rest)) add(word.slice(rest.length));
      else if (rest.startsWith(word)) add(rest.slice(word.length));
    }
  }
  return null;
}
