/** One process's store for the others of its machine: calls travel over a channel, many in one message. */
import { type DecisionLog, type StateStore, StoreUnavailable, UncertainWrite } from './ports.ts';

/** Two ends that pass messages as structured clones, in order. It may carry messages of others too. */
export interface Channel {
  /** Throws where the message cannot be passed; `StoreUnavailable` where none can, as once the channel is closed. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  onClose(listener: () => void): void;
}

export interface RemoteStoreOptions {
  /** How long an answer is waited for. */
  timeoutMs?: number;
  /** Calls that may wait for their answer at once; further ones are refused, so that a store that hangs costs no memory. */
  maxPending?: number;
}

/** A store with what its owner knows of it beside. */
export interface ServedStore extends StateStore, DecisionLog {
  /** Whether the durable store behind it takes what it is given. */
  isKept(): Promise<boolean>;
  /** What all processes that share this store have counted, as prom-client's families. */
  countedByAll(): Promise<MetricFamilies[]>;
}

/** Plain data that is nobody's to read here. */
export type MetricFamilies = readonly object[];

const VERBS = [
  'remember',
  'revise',
  'recall',
  'lookUp',
  'readSince',
  'readKept',
  'add',
  'putHealth',
  'readHealth',
  'confirm',
  'isKept',
  'countedByAll',
] as const;
type Verb = (typeof VERBS)[number];

interface Call {
  id: number;
  verb: Verb;
  args: readonly unknown[];
}

/** Classes do not survive the way between processes. */
type FailureKind = 'unavailable' | 'uncertain' | 'other';

type Answer = { id: number; value: unknown } | { id: number; error: string; kind: FailureKind };

interface Calls {
  kind: 'store calls';
  calls: readonly Call[];
}

interface Answers {
  kind: 'store answers';
  answers: readonly Answer[];
  /** Routers whose logs have grown since the last message. */
  grown: readonly string[];
}

/** Answers the calls of the other end until the channel closes. Calls are begun in the order in which they were made. */
export function serveStore(store: ServedStore, channel: Channel): void {
  let answers: Answer[] = [];
  const grown = new Set<string>();
  const soon = onceATurn(() => {
    const message: Answers = { kind: 'store answers', answers, grown: [...grown] };
    answers = [];
    grown.clear();
    try {
      channel.send(message);
    } catch {
      // The other end is gone, and whoever waited there with it.
    }
  });

  const unwatch = store.watch((router) => {
    grown.add(router);
    soon();
  });
  channel.onClose(unwatch);
  channel.onMessage((message) => {
    if (!isOfKind<Calls>(message, 'store calls')) return;
    for (const call of message.calls) {
      void answerTo(store, call).then((answer) => {
        answers.push(answer);
        soon();
      });
    }
  });
}

async function answerTo(store: ServedStore, { id, verb, args }: Call): Promise<Answer> {
  try {
    if (!VERBS.includes(verb)) throw new Error(`the store has no ${verb}`);
    const method = store[verb] as (...args: readonly unknown[]) => Promise<unknown>;
    return { id, value: await method(...args) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error), kind: kindOf(error) };
  }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof UncertainWrite) return 'uncertain';
  return error instanceof StoreUnavailable ? 'unavailable' : 'other';
}

const ERRORS = { unavailable: StoreUnavailable, uncertain: UncertainWrite, other: Error };

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  batch: Batch;
}

/** Calls that travel in one message have one time limit. */
interface Batch {
  calls: Call[];
  unanswered: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The store at the other end of the channel, where `serveStore` is. Every call is answered or refused in time. */
export function createRemoteStore(channel: Channel, options: RemoteStoreOptions = {}): ServedStore {
  const { timeoutMs = 2_000, maxPending = 10_000 } = options;
  const pending = new Map<number, Pending>();
  const listeners = new Set<(router: string) => void>();
  let lastId = 0;
  let closed = false;
  let gathered = newBatch();

  const settle = (id: number): Pending | undefined => {
    const waiting = pending.get(id);
    if (!waiting) return undefined;
    pending.delete(id);
    if (--waiting.batch.unanswered === 0) clearTimeout(waiting.batch.timer);
    return waiting;
  };
  const refuseAll = (ids: Iterable<number>, why: Error): void => {
    for (const id of [...ids]) settle(id)?.reject(why);
  };

  const soon = onceATurn(() => {
    const batch = gathered;
    gathered = newBatch();
    // The channel may have closed since they were made.
    if (batch.unanswered === 0) return;
    const ids = batch.calls.map(({ id }) => id);
    batch.timer = setTimeout(
      () => refuseAll(ids, new UncertainWrite(`the store did not answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      channel.send({ kind: 'store calls', calls: batch.calls } satisfies Calls);
    } catch (error) {
      // What cannot be passed at all is a fault of the caller's.
      const Failure = ERRORS[kindOf(error)];
      refuseAll(ids, new Failure(`the store cannot be reached: ${(error as Error).message}`));
    }
    batch.calls = [];
  });

  const call = (verb: Verb, args: readonly unknown[]): Promise<unknown> => {
    if (closed) return Promise.reject(new StoreUnavailable('the store is gone'));
    if (pending.size >= maxPending) return Promise.reject(new StoreUnavailable('too many calls wait for the store'));
    return new Promise((resolve, reject) => {
      const id = ++lastId;
      pending.set(id, { resolve, reject, batch: gathered });
      gathered.calls.push({ id, verb, args });
      gathered.unanswered++;
      soon();
    });
  };

  channel.onMessage((message) => {
    if (!isOfKind<Answers>(message, 'store answers')) return;
    for (const answer of message.answers) {
      // An answer that comes too late finds nobody who waits.
      const waiting = settle(answer.id);
      if ('error' in answer) waiting?.reject(new ERRORS[answer.kind](answer.error));
      else waiting?.resolve(answer.value);
    }
    for (const router of message.grown) for (const listener of listeners) listener(router);
  });
  channel.onClose(() => {
    closed = true;
    refuseAll(pending.keys(), new UncertainWrite('the store is gone'));
  });

  const method =
    <Name extends Verb>(verb: Name) =>
    (...args: Parameters<ServedStore[Name]>) =>
      call(verb, args) as ReturnType<ServedStore[Name]>;
  return {
    remember: method('remember'),
    revise: method('revise'),
    recall: method('recall'),
    lookUp: method('lookUp'),
    readSince: method('readSince'),
    readKept: method('readKept'),
    add: method('add'),
    putHealth: method('putHealth'),
    readHealth: method('readHealth'),
    confirm: method('confirm'),
    isKept: method('isKept'),
    countedByAll: method('countedByAll'),
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    shared: null,
    // The channel is another's, and carries more than this.
    async close() {},
  };
}

const newBatch = (): Batch => ({ calls: [], unanswered: 0, timer: undefined });

function isOfKind<Message extends { kind: string }>(message: unknown, kind: Message['kind']): message is Message {
  return typeof message === 'object' && message !== null && 'kind' in message && message.kind === kind;
}

/** Work that is done once at the end of this turn of the event loop, however often it is asked for. */
function onceATurn(work: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setImmediate(() => {
      asked = false;
      work();
    });
  };
}
