/** The thread that has the database: whatever the disk does, the gateway's own thread goes on. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Database, openDatabase } from './database.ts';
import { isBusy, reasonOf } from './failures.ts';
import { failureOf, OpenFailed, type OpenFile, openFile } from './file.ts';
import type { Answer, Request, ThreadData, Verbs } from './messages.ts';
import { createPacker, type Packed, packAll, packOne, unpack } from './packing.ts';

const WHY = {
  damaged: 'the database is damaged, or its disk is',
  foreign: 'the database is damaged',
  newer: 'the database is of a newer release',
  older: 'the database is of an older release',
  'not writable': 'the database cannot be written to',
  'not readable': 'the database cannot be read',
  full: 'the disk is full',
};

const port = parentPort!;
const { folder, pid } = workerData as ThreadData;

const say = (answer: Answer, handedOver: ArrayBuffer[] = []): void => port.postMessage(answer, handedOver);

function verbsOf(database: Database, { shrink }: OpenFile): Verbs {
  const packer = createPacker();
  return {
    ...database,
    ingest: (batch) => database.ingest({ ...batch, kept: unpack(batch.kept) }),
    recall: (decisionId) => packOne(packer, database.recall(decisionId)),
    readLatest: (limit, before) => packAll(packer, database.readLatest(limit, before)),
    identity: () => database.id,
    readKept(log, cursor, limit, origin) {
      packer.take();
      const read = database.readKept(log, cursor, limit, origin, packer.add);
      return { kept: packer.take(), ...read };
    },
    forget(before) {
      const forgotten = database.forget(before);
      shrink();
      return forgotten;
    },
  };
}

/** What is packed travels in a copy that is handed over, since the next pack is written in the same bytes. */
function readyToGo(value: unknown): { value: unknown; handedOver: ArrayBuffer[] } {
  if (typeof value !== 'object' || value === null) return { value, handedOver: [] };
  if ('kept' in value) {
    const { value: kept, handedOver } = readyToGo(value.kept);
    return { value: { ...value, kept }, handedOver };
  }
  if (!('bytes' in value)) return { value, handedOver: [] };
  const bytes = (value as Packed).bytes.slice() as Uint8Array<ArrayBuffer>;
  return { value: { ...value, bytes }, handedOver: [bytes.buffer] };
}

function answer(verbs: Verbs, { id, verb, args }: Exclude<Request, 'close'>): void {
  try {
    const { value, handedOver } = readyToGo((verbs[verb] as (...args: readonly unknown[]) => unknown)(...args));
    say({ kind: 'value', id, value }, handedOver);
  } catch (error) {
    const { message } = error as Error;
    const reason = reasonOf(error);
    const text = reason === null ? message : `${WHY[reason]} (${message})`;
    say({ kind: 'error', id, message: text, unavailable: reason !== null || isBusy(error) });
  }
}

function open(): void {
  let file: OpenFile | undefined;
  try {
    const opened = openFile(folder, pid);
    file = opened;
    const verbs = verbsOf(openDatabase(opened.sql), opened);
    port.on('message', (request: Request) => {
      if (request !== 'close') return answer(verbs, request);
      opened.close();
      port.close();
    });
    say({ kind: 'opened' });
  } catch (error) {
    file?.close();
    say({ kind: 'not opened', failure: error instanceof OpenFailed ? error.failure : failureOf(error) });
  }
}

open();
