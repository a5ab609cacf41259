/** Work in steps of at most a millisecond or so, between which whoever drives it may serve others. */

export type Steps<T> = Generator<void, T>;

/** Does all of it now. */
export function finished<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}
