/** A wait with a limit. */

/** The turns of the microtask queue after which a promise is taken for one that waits for something outside. */
const OWN_TURNS = 4;

/** The promise's value; null when it takes longer than this, or fails. */
export async function within<T>(ms: number, promise: Promise<T | null>): Promise<T | null> {
  let result: T | null | undefined;
  const known = promise.then(
    (value) => {
      result = value;
    },
    () => {
      result = null;
    },
  );
  // What this process has in its own memory needs no timer: those cost more than the look-up.
  for (let turn = 0; turn < OWN_TURNS && result === undefined; turn++) await undefined;
  if (result !== undefined) return result;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([known, late]);
  clearTimeout(timer);
  return result ?? null;
}
