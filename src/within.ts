/** Waits with a limit: what takes longer is told, or goes without. */

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

/** What the work comes to; rejects with `late()` where that takes longer than so many milliseconds. The work goes on. */
export async function inTime<Value>(work: Promise<Value>, limitMs: number, late: () => Error): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
