/**
 * Tells work that goes on from work that never will: on an edge platform whatever it waits for ends with the request in which it
 * began, and nobody is told. Whoever would wait for it begins anew.
 */
import type { Runtime } from './runtime.ts';

export interface SignOfLife {
  /** It begins, or goes on. */
  give(): void;
  /** Whether it has given none for so long that it will give none any more; so too before the first. */
  isLost(): boolean;
}

/** `lostMs`: longer than anything takes that the work waits for. */
export function createSignOfLife(runtime: Pick<Runtime, 'clock'>, lostMs: number): SignOfLife {
  let at = Number.NEGATIVE_INFINITY;
  return {
    give() {
      at = runtime.clock();
    },
    isLost: () => runtime.clock() - at >= lostMs,
  };
}
