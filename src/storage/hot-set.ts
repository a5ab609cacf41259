/** Takes the latest decisions back into a memory that begins anew, so that conversations go on and feedback finds them. */
import type { Log } from '../routing/runtime.ts';
import type { EmbeddedStore } from '../stores/embedded.ts';
import type { HotStore } from '../stores/ports.ts';

export interface HotSetOptions {
  hot: HotStore;
  local: EmbeddedStore;
  /** Milliseconds since 1970. Nobody comes back to a decision made before. */
  since: number;
  log: Log;
  /** Whether it is no longer wanted. */
  isClosed: () => boolean;
}

/** As many as the memory keeps for certain. */
const LATEST = 10_000;
/** Of those that are taken back at once the thread of the requests has about a millisecond's work. */
const AT_ONCE = 100;

/** The latest first, since they are the ones most likely asked for. Never rejects. */
export async function reviveLatest({ hot, local, since, log, isClosed }: HotSetOptions): Promise<void> {
  try {
    let before: string | undefined;
    for (let left = LATEST; left > 0 && !isClosed(); left -= AT_ONCE) {
      const latest = await local.readLatest(AT_ONCE, before);
      for (const kept of latest) {
        if (kept.decision.created < since) return;
        await hot.revive(kept);
      }
      if (latest.length < AT_ONCE) return;
      before = latest.at(-1)?.decision.id;
    }
  } catch (error) {
    if (!isClosed()) {
      const { message } = error as Error;
      log.error({ problem: message }, 'the latest decisions cannot be read: conversations begin anew');
    }
  }
}
