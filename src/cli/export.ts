/** `conduit export`: every decision of the durable store, one JSON object a line. */
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { LOG_START } from '../stores/ports.ts';
import { lineOf } from './decision-lines.ts';
import { type DurableOptions, withDurable } from './with-durable.ts';

const BATCH = 500;

export async function exportDecisions(file: string | undefined, options: DurableOptions): Promise<void> {
  await withDurable(options, async (durable) => {
    const out: Writable = file === undefined ? process.stdout : createWriteStream(file, { mode: 0o600 });
    const failed = Promise.withResolvers<never>();
    // A full disk, or a reader that has gone, as `head` does.
    out.on('error', failed.reject);
    let exported = 0;
    for (const log of await durable.logs()) {
      let cursor = LOG_START;
      for (;;) {
        const slice = await durable.readKept(log, cursor, BATCH);
        if (slice.cursor === cursor) break;
        cursor = slice.cursor;
        const lines = slice.kept.map(({ decision }) => lineOf(decision)).join('');
        exported += slice.kept.length;
        if (!out.write(lines))
          await Promise.race([new Promise((resolve) => out.once('drain', resolve)), failed.promise]);
      }
    }
    if (file !== undefined) {
      out.end();
      await Promise.race([finished(out), failed.promise]);
    }
    process.stderr.write(`${exported} decisions exported\n`);
  });
}
