/** The embedded store for whoever only reads: beside the gateway that writes there, whom it neither holds up nor waits for. */
import { setTimeout } from 'node:timers/promises';
import { firstIdAt } from './decision-record.ts';
import { FolderUnusable, isBusy, reasonOf } from './embedded/failures.ts';
import { openToRead } from './embedded/file.ts';
import { createLogReader } from './embedded/log-reader.ts';
import { STEPS } from './embedded/schema.ts';
import { createUsageReader } from './embedded/usage-reader.ts';
import { hasSchema, WrongSchema } from './migrations.ts';
import { type DurableReader, type ReadKept, StoreUnavailable } from './ports.ts';
import { onlyValue, type Sql } from './sql.ts';

/** Between two transactions: the writer's journal begins anew when a commit of its finds nobody who reads in it. */
const PAUSE_MS = 20;

/**
 * Null where nothing has ever been kept in the folder. Each call is a few transactions of some milliseconds in the caller's own
 * thread, so that the gateway's journal can begin anew between them. Throws `FolderUnusable`; once it is open, calls reject with
 * `StoreUnavailable`.
 */
export function openEmbeddedReader({ folder }: { folder: string }): DurableReader | null {
  let opened: ReturnType<typeof openToRead> = null;
  try {
    opened = openToRead(folder);
    if (!opened) return null;
    if (hasSchema(opened.sql, STEPS)) return readerOf(opened.sql, opened.close);
    opened.close();
    return null;
  } catch (error) {
    opened?.close();
    const reason = error instanceof WrongSchema ? error.reason : reasonOf(error);
    if (reason !== null)
      throw new FolderUnusable(folder, reason === 'not writable' ? 'not readable' : reason, (error as Error).message);
    throw isBusy(error) ? new StoreUnavailable(`${folder}: another program has locked the database`) : error;
  }
}

function readerOf(sql: Sql, close: () => void): DurableReader {
  const id = onlyValue(sql.prepare('select id from store_identity').rows()) as string;
  const selectLast = sql.prepare(
    'select max(given.seq, coalesce((select max(seq) from routing_decisions), 0)) from store_identity given',
  );
  const log = createLogReader(sql, id, () => Number(onlyValue(selectLast.rows())));
  const usageFrom = createUsageReader(sql);
  return {
    logs: async () => asked(log.logs),
    readKept: async (name, cursor, limit, origin = cursor) =>
      asked(() => {
        const kept: ReadKept[] = [];
        return { kept, ...log.readKept(name, cursor, limit, origin, (one) => void kept.push(one)) };
      }),
    async *usageSince(time) {
      for (let from: string | null = firstIdAt(time); from !== null; ) {
        const { parts, next } = asked(() => usageFrom(from as string));
        yield* parts;
        if (next !== null) await setTimeout(PAUSE_MS);
        from = next;
      }
    },
    close: async () => close(),
  };
}

/** What the disk or the database fails in can be told from a bug. */
function asked<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (reasonOf(error) === null && !isBusy(error)) throw error;
    throw new StoreUnavailable(`the embedded store: ${(error as Error).message}`);
  }
}
