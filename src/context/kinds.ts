/**
 * Kinds of prompt: how near a prompt lies to each of a few centres in the space of the hand-made features. A line through that
 * space cannot say that an arm is good at one kind alone; a weight for each kind can.
 */

/**
 * The centres, in hundredths of the encoder's coordinates behind the first: a k-means over prompts of question sets, word
 * problems, code, chat, extraction and translation, of which nothing but their text was looked at.
 */
const CENTRES: readonly (readonly number[])[] = [
  [-31, -7, -12, -15, -20, -3, -21, -28, 38, -16, -11, -7, 6, -9, 0, -48, -16, -19, -10, -45, -1, -3, 0, 0, 0, 0],
  [-23, -6, -8, -5, -20, -3, -21, 10, 22, -16, -10, -7, 1, -8, 1, 11, -5, -19, -2, -42, 7, -2, 0, 0, 0, 0],
  [-21, 41, -7, -17, -20, -3, -21, -24, -11, -16, 48, -13, -11, -10, 19, -12, -15, -20, -8, 0, 4, -2, 0, 0, 0, 0],
  [-20, -7, 22, 25, -20, -3, -21, 11, -16, 45, -12, -13, -12, -14, 17, 16, -16, 25, 49, -1, -20, -3, 0, 0, 0, 0],
  [-16, -5, -7, 13, -20, -3, -19, -15, -13, -16, -12, -13, -12, -14, -49, -46, 45, -15, -14, -28, 23, 27, 0, 1, 4, 0],
  [-10, -6, 49, 34, -20, -3, -20, 10, -15, 33, -12, -13, -12, 35, -17, -12, 13, 15, 19, 4, -5, -3, 0, 0, 1, 0],
  [-9, -6, -12, -15, 13, -3, 9, 4, 4, -15, -8, -4, -1, -9, -10, 13, -10, -19, -12, 29, -5, -3, 0, 0, 0, 0],
  [-9, -6, -9, 3, -18, -3, -15, 9, -7, -16, -11, 46, -11, 6, -2, 2, 0, -18, -9, 1, -10, -2, 2, 2, 5, 0],
  [-3, -2, -9, 14, -17, -3, -14, -7, -15, -16, -12, -10, -12, -13, -44, 11, 2, -17, -10, 15, 4, 12, 1, 1, 5, 0],
  [-1, -5, -7, -11, 11, -3, 3, -18, -6, -14, -11, -6, -8, -7, -2, 16, 26, 17, -12, 5, 1, -2, 0, 0, 0, 0],
  [1, -6, -2, 13, -18, -3, -18, 10, -6, -15, -12, -9, 26, 35, -4, -5, 6, -15, -11, -1, -3, -2, 1, 0, 1, 0],
  [4, -5, -9, -10, 11, -3, 12, -8, 6, 13, 27, -13, -3, -9, 1, 10, -8, 18, -10, -8, 13, -2, 0, 0, 0, 0],
  [5, 46, 24, 27, -19, -3, 17, -13, -15, -13, -8, 3, -12, -3, -27, -6, 20, 24, 33, 13, 5, 2, 0, 1, 6, 0],
  [6, -2, -8, 10, -19, -3, -12, -26, -6, -13, 3, 1, 32, 4, 5, 1, 13, -19, -14, 7, -2, -2, 1, 1, 6, 0],
  [10, -6, -12, -11, 2, 1, -4, 11, 10, 18, -11, 12, -4, -4, 6, 5, 16, 1, -12, 3, 7, -2, 0, 0, 2, 0],
  [11, 39, -4, 49, -20, 49, 14, -26, -1, -16, -12, -12, -12, 18, -28, 30, 42, -14, 13, 33, 8, 4, 0, 2, 6, 9],
  [12, 44, 9, 24, -19, -3, 7, -15, 8, -10, 47, -12, -12, 17, -43, 49, 38, 12, 9, -2, 16, 3, 0, 2, 6, 0],
  [16, -3, 5, 31, 27, -3, 23, 13, 9, 9, 15, 20, -4, 2, -3, 12, 2, 24, 3, 8, -9, 0, 0, 0, 0, 0],
  [16, -5, 16, 33, 26, -3, 23, -28, 7, 10, 16, 18, -9, -7, -6, 14, 5, 27, 2, 14, -12, 0, 0, 0, 0, 0],
  [17, -6, -8, 1, -12, -2, 6, 18, 12, 7, 15, 21, 27, 1, -8, 3, 5, -18, -7, 7, 9, -2, 0, 2, 2, 0],
  [19, -5, -11, -2, 14, -3, 18, 12, 9, -5, -10, -11, 11, -1, 11, -9, -1, -5, -12, 7, 4, -2, 0, 0, 0, 0],
  [19, -4, -10, -16, 27, -3, 23, -11, 10, 9, 13, 19, -8, -8, -6, 12, -6, 18, 4, -3, 11, -1, 0, 0, 0, 0],
  [35, 47, 21, 13, -18, 35, 43, -27, -5, -13, 15, 22, -6, -2, 2, -5, 17, 7, 25, 11, 6, 1, 0, 0, 0, 0],
  [36, -2, -11, -11, 25, -3, 22, -1, 6, 2, 4, 10, 14, -4, 7, -4, 7, 2, 1, -5, 13, -2, 0, 0, 0, 0],
];

export const KINDS = CENTRES.length;

/** Squared distances that far apart leave e^-1 of a kind's share. */
const REACH = 0.045;
/** A smaller share is none, which keeps the log short. */
const LEAST_SHARE = 0.01;

const hundredths = Float64Array.from(CENTRES.flat());
const shares = new Float64Array(KINDS);

/** Appends to `x`, of which the features follow the first number, the share of each kind: together 1, most of them 0. */
export function appendKinds(x: number[]): void {
  const features = x.length - 1;
  let nearest = Number.POSITIVE_INFINITY;
  for (let kind = 0, at = 0; kind < KINDS; kind++) {
    let distance = 0;
    for (let i = 1; i <= features; i++, at++) {
      const apart = x[i]! - hundredths[at]! / 100;
      distance += apart * apart;
    }
    shares[kind] = distance;
    nearest = Math.min(nearest, distance);
  }
  let sum = 0;
  for (let kind = 0; kind < KINDS; kind++) {
    const share = Math.exp((nearest - shares[kind]!) / REACH);
    shares[kind] = share;
    sum += share;
  }
  let kept = 0;
  for (let kind = 0; kind < KINDS; kind++) {
    const share = shares[kind]! / sum;
    shares[kind] = share < LEAST_SHARE ? 0 : share;
    kept += shares[kind]!;
  }
  for (let kind = 0; kind < KINDS; kind++) x.push(Math.round((shares[kind]! / kept) * 1e4) / 1e4);
}
