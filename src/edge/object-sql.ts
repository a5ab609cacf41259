/** The SQLite of a Durable Object. It begins and ends transactions by itself, and refuses statements that do. */
import type { ObjectStorage } from 'cloudflare:workers';
import type { Sql } from '../stores/sql.ts';

export function sqlOf(storage: ObjectStorage): Sql {
  const { sql } = storage;
  return {
    exec: (script) => void sql.exec(script),
    // The platform keeps what it has prepared, by its text.
    prepare: (text) => ({
      run: (...values) => sql.exec(text, ...values).rowsWritten > 0,
      rows: (...values) => [...sql.exec(text, ...values).raw()],
    }),
    transaction: (work) => storage.transactionSync(work),
  };
}
