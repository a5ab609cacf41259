/** Keeps what a log holds in a durable store, batch after batch, on from where it is kept. */
import { type DecisionLog, type DurableStore, type KeptSlice, LOG_START } from '../stores/ports.ts';
import type { Followed } from './followed.ts';
import { keepSlice } from './keep-slice.ts';
import type { Log } from './runtime.ts';

export interface LogToKeep {
  name: string;
  one: Followed;
  source: DecisionLog;
  sink: DurableStore;
  /** Whose log it is, where several feed the sink. */
  feed: string;
  log: Log;
  /** Decisions that are kept with one wait. */
  batch: number;
  /** Batches at most. */
  most: number;
  /** False once it is time to end. */
  mayGoOn: () => boolean;
}

/** True once all that the log held is kept; false where there is more. Rejects where it cannot be kept now. */
export async function keepLog({
  name,
  one,
  source,
  sink,
  feed,
  log,
  batch,
  most,
  mayGoOn,
}: LogToKeep): Promise<boolean> {
  if (one.cursor === undefined) one.cursor = await sink.cursorOf(name, feed);
  let isAll = false;
  for (let batches = 0; batches < most && !isAll && mayGoOn(); batches++) {
    const limit = one.cautious ? 1 : batch;
    const slice = await source.readKept(name, one.cursor ?? LOG_START, limit);
    tellOfGap(name, one, slice, log);
    if (slice.cursor !== (one.cursor ?? LOG_START)) await keepSlice({ name, one, slice, sink, feed, log });
    // One that keeps growing is never read to its end: a slice that is not full is the end as it was, if it was kept.
    isAll = slice.kept.length < limit && (one.cursor ?? LOG_START) === slice.cursor;
  }
  return isAll;
}

function tellOfGap(name: string, one: Followed, { gap }: KeptSlice, log: Log): void {
  if (gap === 'trimmed' && !one.toldOfGap) {
    log.error({ router: name }, 'decisions are not in the durable store: they came faster than it took them');
  }
  one.toldOfGap = gap === 'trimmed';
}
