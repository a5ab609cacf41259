/** Calls to the thread of the embedded store: one that dies, and one that gives no answer. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { type Caller, openCaller, type Thread, type ThreadEvents } from '../../src/stores/embedded/caller.ts';
import type { Answer, Request } from '../../src/stores/embedded/messages.ts';
import { createPacker, packAll, unpackOne } from '../../src/stores/embedded/packing.ts';
import { StoreUnavailable, UncertainWrite } from '../../src/stores/ports.ts';
import { finishedDecision } from './finished-decision.ts';

const pack = (decisions: ReturnType<typeof finishedDecision>[]) =>
  packAll(
    createPacker(),
    decisions.map((decision) => ({ decision, names: [] })),
  );

/** Until it resolves. */
async function soon<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('the real thread', () => {
  let folder: string;
  let caller: Caller;
  afterEach(async () => {
    await caller.close();
    await rm(folder, { recursive: true });
  });

  test('is started anew when it dies, and has what it had acknowledged', async () => {
    folder = await mkdtemp(join(tmpdir(), 'conduit-embedded-'));
    const workers: Worker[] = [];
    const start = ({ onAnswer, onEnd }: ThreadEvents): Thread => {
      const worker = new Worker(new URL('../../src/stores/embedded/thread.ts', import.meta.url), {
        workerData: { folder, pid: process.pid },
      });
      workers.push(worker);
      worker.on('message', onAnswer);
      worker.on('exit', () => onEnd('it was ended'));
      return { send: (request) => worker.postMessage(request), stop: () => worker.terminate() };
    };
    caller = await openCaller({ folder, start, timeoutMs: 10_000 });
    const one = finishedDecision();
    await caller.call('ingest', [{ log: 'auto', after: null, cursor: '1', kept: pack([one]) }]);

    for (let death = 1; death <= 2; death++) {
      const large = pack(Array.from({ length: 20_000 }, () => finishedDecision()));
      const after = await caller.call('cursorOf', ['auto']);
      const cursor = `${after}${death}`;
      const lost = caller.call('ingest', [{ log: 'auto', after, cursor, kept: large }]);
      const unread = caller.call('recall', [one.id]);
      const outcomes = Promise.allSettled([lost, unread]);
      await workers.at(-1)?.terminate();
      const [write, read] = await outcomes;
      expect(write).toMatchObject({ status: 'rejected', reason: expect.any(UncertainWrite) });
      expect(read).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
      expect(read).not.toMatchObject({ reason: expect.any(UncertainWrite) });
      await expect(caller.call('recall', [one.id])).rejects.toThrow(StoreUnavailable);

      expect(unpackOne(await soon(() => caller.call('recall', [one.id])))).toEqual(one);
      expect(workers).toHaveLength(death + 1);
      expect([after, cursor]).toContain(await caller.call('cursorOf', ['auto']));
    }
  });
});

describe('a thread that gives no answer', () => {
  /** It opens, and tells what it was sent. */
  async function openSilent(timeoutMs: number) {
    const sent: Request[] = [];
    const told: { events?: ThreadEvents } = {};
    const start = (events: ThreadEvents): Thread => {
      told.events = events;
      queueMicrotask(() => events.onAnswer({ kind: 'opened' }));
      return {
        send: (request) => {
          sent.push(request);
          if (request === 'close') events.onEnd('closed');
        },
        stop: async () => events.onEnd('stopped'),
      };
    };
    const caller = await openCaller({ folder: '/tmp/none', start, timeoutMs });
    return { caller, sent, answer: (answer: Answer) => told.events?.onAnswer(answer) };
  }

  test('is not waited for longer than the limit, and may answer too late', async () => {
    const { caller, sent, answer } = await openSilent(20);
    const recalled = caller.call('recall', ['a']);
    await expect(recalled).rejects.toThrow('no answer within 20 ms');
    await expect(recalled).rejects.toThrow(StoreUnavailable);
    await expect(caller.call('forget', [1])).rejects.toThrow(UncertainWrite);
    for (const request of sent) if (request !== 'close') answer({ kind: 'value', id: request.id, value: 1 });
    await caller.close();
  });

  test('gets no more than a bounded number of calls to remember', async () => {
    const { caller, sent } = await openSilent(60_000);
    const waiting = Array.from({ length: 1_000 }, () => caller.call('logs', []));
    await expect(caller.call('logs', [])).rejects.toThrow('too many calls');
    expect(sent).toHaveLength(1_000);
    const settled = Promise.allSettled(waiting);
    await caller.close();
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
    await expect(caller.call('logs', [])).rejects.toThrow('closed');
    await caller.close();
  });
});
