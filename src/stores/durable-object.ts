/** The state in Durable Objects, as an isolate has it: one object for each router's log, and one for what all share. */

import { inTime } from '../within.ts';
import { createDecisionPacker } from './durable-object/packed-decision.ts';
import {
  type Answer,
  type LogTerms,
  type LogVerbs,
  objectOf,
  SHARED_OBJECT,
  type SharedVerbs,
  type StateObjects,
} from './durable-object/verbs.ts';
import {
  type Found,
  type HotStore,
  type Kept,
  logOf,
  PINNED_LOG,
  type SharedState,
  StoreUnavailable,
  UncertainWrite,
} from './ports.ts';

export interface ObjectStoreOptions {
  objects: StateObjects;
  /** Of each router that the config has, how its evidence fades. */
  halfLives: ReadonlyMap<string, number | null>;
  /** For how long a decision is kept, in milliseconds. */
  retentionMs: number;
  /** Whether the objects are to keep their logs in a durable store, too. */
  isDrained: boolean;
  /** Tells this isolate from every other. */
  holder: string;
  /** How long an answer is waited for. */
  timeoutMs?: number;
  /** How long is waited before each further try to keep a decision: a request may go on for half a minute behind its answer. */
  retriesMs?: readonly number[];
}

/** Whoever watches is told of what this isolate writes: what others append nobody tells here. */
export interface ObjectStore extends HotStore {
  readonly shared: SharedState;
  /** Whether the durable store took what every object has last given it. */
  isDrainedWell(): Promise<boolean>;
}

/** Decisions of which an isolate remembers whose they are: else every router's object is asked. */
const MOST_PLACES = 10_000;

export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  const {
    objects,
    halfLives,
    retentionMs,
    isDrained,
    holder,
    timeoutMs = 2_000,
    retriesMs = [250, 1_000, 4_000],
  } = options;
  const termsOf = (name: string): LogTerms => ({ name, retentionMs, isDrained });
  const packer = createDecisionPacker();
  const listeners = new Set<(log: string) => void>();
  const logs = new Set([PINNED_LOG, ...halfLives.keys()]);
  const logOfId = new Map<string, string>();

  // Anew each time: a stub belongs to the request that asked for it, and one that has failed may go on failing.
  const objectFor = (log: string): LogVerbs => objects.getByName(objectOf(log));
  const shared = (): SharedVerbs => objects.getByName(SHARED_OBJECT);
  const read = <Value>(call: () => Promise<Answer<Value>>): Promise<Value> =>
    answerTo(() => again(call), timeoutMs, StoreUnavailable);
  const write = <Value>(call: () => Promise<Answer<Value>>): Promise<Value> =>
    answerTo(call, timeoutMs, UncertainWrite);

  const note = (id: string, log: string): void => {
    logs.add(log);
    if (logOfId.size >= MOST_PLACES) logOfId.delete(logOfId.keys().next().value as string);
    logOfId.set(id, log);
  };
  const grown = (log: string): void => {
    for (const listener of listeners) listener(log);
  };
  const packedKept = ({ decision, names }: Kept) => ({ ...packer.pack(decision), names: [...names] });

  /** What each of the logs' objects says, in the order of `logs`; rejects where one does not say. */
  const ofAll = <Value>(
    asked: Iterable<string>,
    call: (object: LogVerbs) => Promise<Answer<Value>>,
  ): Promise<Value[]> => Promise.all([...asked].map((log) => read(() => call(objectFor(log)))));

  /** The first by `comesBefore` of what these logs have, and of what is known already. */
  const foundIn = async (
    asked: Iterable<string>,
    names: readonly string[],
    known: Found | null,
  ): Promise<Found | null> => {
    let first = known;
    for (const one of await ofAll(asked, (object) => object.lookUp([...names]))) {
      if (!one) continue;
      const found = { decision: packer.decisionIn(one.decision), name: one.name };
      note(found.decision.id, logOf(found.decision));
      if (!first || comesBefore(found, first, names)) first = found;
    }
    return first;
  };

  return {
    async remember(kept) {
      const log = logOf(kept.decision);
      const packed = packedKept(kept);
      note(kept.decision.id, log);
      await untilKept(() => write(() => objectFor(log).remember(packed, termsOf(log))), retriesMs);
      grown(log);
    },

    async revise(decision) {
      const log = logOf(decision);
      const packed = packer.pack(decision);
      const result = await write(() => objectFor(log).revise(packed));
      if (result === 'written') grown(log);
      return result;
    },

    async revive(kept) {
      const packed = packedKept(kept);
      note(kept.decision.id, logOf(kept.decision));
      await write(() => objectFor(logOf(kept.decision)).revive(packed));
    },

    async recall(decisionId) {
      const known = logOfId.get(decisionId);
      const found = await ofAll(known === undefined ? logs : [known], (object) => object.recall(decisionId));
      const bytes = found.find((one) => one !== null);
      if (!bytes) return null;
      const decision = packer.decisionIn(bytes);
      note(decisionId, logOf(decision));
      return decision;
    },

    async lookUp(names, where) {
      if (names.length === 0) return null;
      if (!where) return await foundIn(logs, names, null);
      const near = await foundIn([where.log], names, null);
      const { sure, routers } = where;
      if (sure === 'only' || (near && names.indexOf(near.name) < sure)) return near;
      const mayHaveIt = (log: string): boolean => log === PINNED_LOG || routers === null || routers.includes(log);
      const others = [...logs].filter((log) => log !== where.log && mayHaveIt(log));
      return await foundIn(others, names, near);
    },

    async readSince(router, cursor, limit) {
      const { entries, ...rest } = await read(() => objectFor(router).readSince(cursor, limit));
      // Its object says so, once for all isolates.
      return { entries: packer.evidenceIn(entries, () => {}), ...rest };
    },

    async readKept(log, cursor, limit) {
      const { entries, ...rest } = await read(() => objectFor(log).readKept(cursor, limit));
      return { kept: entries.map((bytes) => ({ decision: packer.decisionIn(bytes), names: [] })), ...rest };
    },

    add: (counter, amount, ttlMs) => write(() => shared().add(counter, amount, ttlMs)),
    addAll: (additions) => write(() => shared().addAll([...additions])),
    async putHealth(name, health, ttlMs) {
      await write(() => shared().putHealth(name, health, ttlMs));
    },
    readHealth: () => read(() => shared().readHealth()),

    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async isDrainedWell() {
      return (await ofAll(logs, (object) => object.isWell())).every((isWell) => isWell);
    },

    shared: {
      leavesSnapshots: true,
      snapshots: {
        read: (router) => read(() => objectFor(router).readSnapshots(halfLives.get(router) ?? null, termsOf(router))),
        put: (router, snapshot) => write(() => objectFor(router).putSnapshot(snapshot)),
        async drop(router) {
          await write(() => objectFor(router).dropSnapshots());
        },
      },
      lease: (name, ttlMs) => write(() => shared().lease(name, holder, ttlMs)),
      secret: (proposed) => read(() => shared().secret(proposed)),
      // An object keeps its log for as long as its decisions, and drains it by itself.
      async drained() {},
      async restart(snapshots) {
        for (const [router, snapshot] of snapshots) await write(() => objectFor(router).restart(snapshot));
      },
    },

    // What an object has answered it has kept.
    async confirm() {},
    async close() {},
  };
}

/** By the earlier name; of two with the same, in two routers' logs, the later decision. */
function comesBefore(one: Found, other: Found, names: readonly string[]): boolean {
  const places = names.indexOf(one.name) - names.indexOf(other.name);
  return places !== 0 ? places < 0 : one.decision.created > other.decision.created;
}

/** Done again it does nothing: so it is tried again though it may have been done. Nobody else has the decision. */
async function untilKept(keep: () => Promise<unknown>, retriesMs: readonly number[]): Promise<void> {
  for (const waitMs of retriesMs) {
    try {
      await keep();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
  await keep();
}

/** The platform says of an error whether the same may simply be asked again: an object that moves loses calls. */
async function again<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    if (!(error as { retryable?: boolean }).retryable) throw error;
    return await call();
  }
}

/** Rejects with `Late` where nobody knows whether it was done, and with `StoreUnavailable` where it was not. */
async function answerTo<Value>(
  call: () => Promise<Answer<Value>>,
  timeoutMs: number,
  Late: typeof StoreUnavailable,
): Promise<Value> {
  const late = (): StoreUnavailable => new Late(`the Durable Object did not answer within ${timeoutMs} ms`);
  try {
    const answer = await inTime(call(), timeoutMs, late);
    if ('failure' in answer) throw new StoreUnavailable(`the Durable Object: ${answer.failure}`);
    return answer.value;
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    const { message, overloaded } = error as Error & { overloaded?: boolean };
    // Of what an overloaded object refuses it has done nothing.
    throw new (overloaded ? StoreUnavailable : Late)(`the Durable Object cannot be reached: ${message}`);
  }
}
