/** Calls the database's thread, within a time limit, and starts another one when it dies. */
import { StoreUnavailable, UncertainWrite } from '../ports.ts';
import { FolderInUse, FolderUnusable, type OpenFailure } from './failures.ts';
import type { Answer, Request, Verb, Verbs } from './messages.ts';

/** A thread as it has been started. Tells of its end once, after its last message. */
export interface Thread {
  send(request: Request, handedOver?: readonly ArrayBuffer[]): void;
  /** Ends it wherever it is. */
  stop(): Promise<unknown>;
}

export interface ThreadEvents {
  onAnswer(answer: Answer): void;
  onEnd(why: string): void;
}

export interface CallerOptions {
  folder: string;
  start(events: ThreadEvents): Thread;
  /** How long an answer is waited for. */
  timeoutMs: number;
}

export interface Caller {
  call<Name extends Verb>(
    verb: Name,
    args: Parameters<Verbs[Name]>,
    handedOver?: readonly ArrayBuffer[],
  ): Promise<ReturnType<Verbs[Name]>>;
  close(): Promise<void>;
}

interface Pending {
  verb: Verb;
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

/** Those of which it matters whether they were done. */
const WRITES: readonly Verb[] = ['ingest', 'putSnapshot', 'forget'];
/** Further calls are refused, so that a disk that hangs costs no memory. */
const MOST_PENDING = 1_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** What ending may take: the journal goes into the file. */
const CLOSE_MS = 5_000;

/** Rejects where the folder cannot be used. A thread that dies later is started anew. */
export function openCaller({ folder, start, timeoutMs }: CallerOptions): Promise<Caller> {
  const pending = new Map<number, Pending>();
  const opened = Promise.withResolvers<Caller>();
  let thread: Thread | null = null;
  /** Why there is no thread to ask. */
  let down: string | null = 'it is being opened';
  let lastId = 0;
  let wasOpen = false;
  let pauseMs = FIRST_PAUSE_MS;
  let again: ReturnType<typeof setTimeout> | undefined;
  let closing: PromiseWithResolvers<void> | null = null;

  const settle = (id: number): Pending | undefined => {
    const waiting = pending.get(id);
    pending.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  };
  const refuse = (id: number, why: string): void => {
    const waiting = settle(id);
    waiting?.reject(
      new (WRITES.includes(waiting.verb) ? UncertainWrite : StoreUnavailable)(`the embedded store: ${why}`),
    );
  };

  const onAnswer = (answer: Answer): void => {
    switch (answer.kind) {
      case 'opened':
        down = null;
        wasOpen = true;
        pauseMs = FIRST_PAUSE_MS;
        opened.resolve(caller);
        break;
      case 'not opened':
        down = errorOf(folder, answer.failure).message;
        if (!wasOpen) opened.reject(errorOf(folder, answer.failure));
        break;
      case 'value':
        settle(answer.id)?.resolve(answer.value);
        break;
      case 'error':
        settle(answer.id)?.reject(
          answer.unavailable
            ? new StoreUnavailable(`the embedded store: ${answer.message}`)
            : new Error(answer.message),
        );
    }
  };

  const onEnd = (why: string): void => {
    thread = null;
    down ??= why;
    for (const id of [...pending.keys()]) refuse(id, why);
    closing?.resolve();
    if (closing) return;
    if (!wasOpen) opened.reject(new Error(`the embedded store could not be started: ${why}`));
    else {
      again = setTimeout(begin, pauseMs);
      // A process that has nothing else to do may end.
      again.unref();
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  };

  const begin = (): void => {
    thread = start({ onAnswer, onEnd });
  };

  const caller: Caller = {
    call<Name extends Verb>(verb: Name, args: Parameters<Verbs[Name]>, handedOver: readonly ArrayBuffer[] = []) {
      const why = closing ? 'it has been closed' : down;
      const refused = why ?? (pending.size >= MOST_PENDING ? 'too many calls wait for it' : null);
      if (refused !== null) return Promise.reject(new StoreUnavailable(`the embedded store: ${refused}`));
      return new Promise<ReturnType<Verbs[Name]>>((resolve, reject) => {
        const id = ++lastId;
        const timer = setTimeout(() => refuse(id, `no answer within ${timeoutMs} ms`), timeoutMs);
        pending.set(id, { verb, resolve: resolve as (value: unknown) => void, reject, timer });
        thread?.send({ id, verb, args }, handedOver);
      });
    },

    async close() {
      if (closing) return closing.promise;
      closing = Promise.withResolvers();
      clearTimeout(again);
      const done = closing.resolve;
      // A thread that waits for a disk that hangs cannot even be stopped.
      const slow = setTimeout(() => {
        void thread?.stop();
        done();
      }, CLOSE_MS);
      if (thread) thread.send('close');
      else done();
      await closing.promise;
      clearTimeout(slow);
    },
  };
  begin();
  return opened.promise;
}

const errorOf = (folder: string, failure: OpenFailure): Error =>
  failure.kind === 'in use'
    ? new FolderInUse(folder, failure.pid)
    : new FolderUnusable(folder, failure.reason, failure.detail);
