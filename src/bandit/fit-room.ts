/** Where a fit works: its matrices and vectors, kept for the next one. */

/** Of one arm: its sums in full, and what is worked out of them in one evaluation. */
export interface ArmRoom {
  xx: Float64Array;
  xy: Float64Array;
  yy: number;
  weight: number;
  noise: number;
  /** Q⁻¹ and r */
  inverse: Float64Array;
  r: Float64Array;
}

export interface FitRoom {
  n: number;
  arms: ArmRoom[];
  /** The diagonal of D⁻¹. */
  precision: Float64Array;
  /** Λ, and what μ̂ is worked out of. */
  lambda: Float64Array;
  eta: Float64Array;
  /** μ̂ and Λ⁻¹ */
  mean: Float64Array;
  covariance: Float64Array;
  /** An arm's mean and its G. */
  theta: Float64Array;
  gain: Float64Array;
  /** For what is needed in passing, and no longer. */
  vector: Float64Array;
  matrix: Float64Array;
  /** Of an inversion. */
  scales: Float64Array;
  scaled: Float64Array;
  lower: Float64Array;
  columns: Float64Array;
}

/** Those that no fit works in, by dimensions, of which there are two: a context's, and those that times depend on. */
const free = new Map<number, FitRoom[]>();

/** With whatever the last fit has left in it. Nobody else works there until it is given back. */
export function takeRoom(dimensions: number, arms: number): FitRoom {
  const room = free.get(dimensions)?.pop() ?? newRoom(dimensions);
  while (room.arms.length < arms) room.arms.push(newArmRoom(dimensions));
  return room;
}

export function giveBack(room: FitRoom): void {
  const rooms = free.get(room.n);
  if (rooms) rooms.push(room);
  else free.set(room.n, [room]);
}

function newRoom(n: number): FitRoom {
  const vector = (): Float64Array => new Float64Array(n);
  const matrix = (): Float64Array => new Float64Array(n * n);
  return {
    n,
    arms: [],
    precision: vector(),
    lambda: matrix(),
    eta: vector(),
    mean: vector(),
    covariance: matrix(),
    theta: vector(),
    gain: matrix(),
    vector: vector(),
    matrix: matrix(),
    scales: vector(),
    scaled: matrix(),
    lower: matrix(),
    columns: matrix(),
  };
}

function newArmRoom(n: number): ArmRoom {
  return {
    xx: new Float64Array(n * n),
    xy: new Float64Array(n),
    yy: 0,
    weight: 0,
    noise: 0,
    inverse: new Float64Array(n * n),
    r: new Float64Array(n),
  };
}
