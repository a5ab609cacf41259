/** A wait that rejects where it takes too long. */

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
