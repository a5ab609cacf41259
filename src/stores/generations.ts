/** Which places of a growing row are kept: forgotten are whole generations of them, so that one more costs no deletion. */

export interface Generations {
  /** Places in one generation. */
  size: number;
  /** Generations kept at once, the one that is being filled among them. */
  count: number;
}

/** So many that `atLeast` places are kept always, and a generation, which is a quarter of that, more at most. */
export function generationsFor(atLeast: number): Generations {
  const size = Math.max(1, Math.ceil((atLeast - 1) / 4));
  return { size, count: 1 + Math.ceil((atLeast - 1) / size) };
}
