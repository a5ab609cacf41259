/** Counts the work that goes on behind answers, so that a process can wait for it before it ends. */

export interface Deferred {
  add(work: Promise<unknown>): void;
  size(): number;
  /** Resolves when nothing is left, of what was begun meanwhile either. */
  settled(): Promise<true>;
}

export function createDeferred(onFailure: (error: unknown) => void): Deferred {
  let size = 0;
  let waiting: (() => void)[] = [];
  const end = (): void => {
    size--;
    if (size > 0) return;
    const told = waiting;
    waiting = [];
    for (const tell of told) tell();
  };
  const fail = (error: unknown): void => {
    onFailure(error);
    end();
  };
  return {
    add(work) {
      size++;
      work.then(end, fail);
    },
    size: () => size,
    async settled() {
      while (size > 0) {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      return true;
    },
  };
}
