/** A connection to Redis that never holds anybody up: it answers in time, or says that it does not. */
import { Redis } from 'ioredis';
import { StoreUnavailable } from '../ports.ts';
import { movedTo, translated, wordsOf } from './failures.ts';
import { codeOf } from './refused.ts';

export type Argument = string | number | Buffer;

export interface Connection {
  /** Whether Redis can be asked now. Without that every call fails at once: nothing is queued here. */
  isUp(): boolean;
  /**
   * The command is written small: ioredis tells some of them by that. Texts come back as buffers. Rejects with `Refused`
   * where Redis says no, with `UncertainWrite` where it was asked and nobody knows what became of it, with
   * `StoreUnavailable` where it was not asked.
   */
  call(command: string, ...args: Argument[]): Promise<unknown>;
  run(script: string, keys: readonly (string | Buffer)[], args: readonly Argument[]): Promise<unknown>;
  /** Takes it out of use, at once and for good. */
  close(): void;
}

/** The nodes of a cluster that are known by now, as "HOST:PORT": any of them tells which one has the keys. */
export type Nodes = Set<string>;

export interface ConnectionOptions {
  url: string;
  /** Shared by all connections to the same cluster; empty where there is none. */
  nodes: Nodes;
  /** Uniform in [0, 1). */
  random: () => number;
  /** By name, each a Lua text. */
  scripts?: Readonly<Record<string, string>>;
  onUp: () => void;
  /** Whenever it goes down, and each time that it cannot be made. */
  onDown: (error: Error) => void;
  onMessage?: (channel: string, message: string) => void;
}

/** Milliseconds. Calls are made behind answers, or by whoever waits for less than this. */
const ANSWER_MS = 1_000;
const CONNECT_MS = 2_000;
/** What the other side may take to say goodbye. */
const DISCONNECT_MS = 500;
/** Between two connections that are made anew since the one before takes no writes. */
const READONLY_MS = 1_000;
const RECONNECT_MS = { first: 50, longest: 2_000 };

export function openConnection(options: ConnectionOptions): Connection {
  const { url, nodes, random, onUp, onDown, onMessage, scripts = {} } = options;
  let hasMovedOn = false;
  const settings = {
    scripts: Object.fromEntries(Object.entries(scripts).map(([name, lua]) => [name, { lua }])),
    commandTimeout: ANSWER_MS,
    // A connection on which no answer comes is made anew: it may be one that only this side still knows of. Whatever else
    // waits on it then fails with it, and until Redis answers again calls fail at once.
    socketTimeout: ANSWER_MS,
    connectTimeout: CONNECT_MS,
    disconnectTimeout: DISCONNECT_MS,
    // Whoever calls knows better than a queue what is to be done again, and what would be done twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    // After a failover this may still be the old primary, which takes no more writes. Or it may be what there is for now.
    reconnectOnError(error: Error) {
      if (hasMovedOn || codeOf(error.message) !== 'READONLY') return false;
      hasMovedOn = true;
      setTimeout(() => {
        hasMovedOn = false;
      }, READONLY_MS).unref();
      return true;
    },
    retryStrategy(times: number) {
      // The first time it may be this connection alone that was lost.
      if (times > 1) goTo(nextNode());
      // Half of each wait is chance, so that not all processes come back in the same moment.
      return Math.min(RECONNECT_MS.longest, RECONNECT_MS.first * 2 ** (times - 1)) * (0.5 + random() / 2);
    },
    // Nothing here needs more, and every Redis has it.
    protocol: 2 as const,
    disableClientInfo: true,
    connectionName: 'conduit',
  };
  const redis = new Redis(url, settings);
  let open = true;
  let moved = false;

  const place = (): string => `${redis.options.host}:${redis.options.port}`;
  const first = place();
  /** Where it connects to the next time. */
  const goTo = (node: string): void => {
    const colon = node.lastIndexOf(':');
    // Without a host it is the one that said so.
    if (colon > 0) redis.options.host = node.slice(0, colon);
    redis.options.port = Number(node.slice(colon + 1));
  };
  const nextNode = (): string => {
    const all = [first, ...[...nodes].filter((node) => node !== first)];
    return all[(all.indexOf(place()) + 1) % all.length] as string;
  };
  /** So that one of them is enough to find the others. */
  const learnNodes = async (): Promise<void> => {
    const slots = (await redis.call('cluster', 'SLOTS')) as [number, number, ...[string | null, number][]][];
    for (const [, , ...servers] of slots) for (const [host, port] of servers) if (host) nodes.add(`${host}:${port}`);
  };

  // ioredis hears a socket's first error alone. A TLS socket may have another, and one that nobody hears ends the process.
  const hearErrors = (): void => void redis.stream?.on('error', () => {});
  redis.on('connect', hearErrors);
  redis.on('ready', () => {
    // Where it cannot be told, whatever is moved to is known all the same.
    if (moved) learnNodes().catch(() => {});
    onUp();
  });
  redis.on('error', (error: Error) => {
    hearErrors();
    if (open) onDown(new Error(wordsOf(error)));
  });
  redis.on('close', () => {
    if (open) onDown(new Error('the connection to Redis is closed'));
  });
  if (onMessage) redis.on('message', onMessage);

  const ask = async (asked: () => Promise<unknown>): Promise<unknown> => {
    if (redis.status !== 'ready') throw new StoreUnavailable('Redis cannot be reached');
    try {
      return await asked();
    } catch (error) {
      const to = movedTo(error as Error);
      if (to === null) throw translated(error as Error);
      follow(to);
      throw new StoreUnavailable(`another node of the cluster has the keys: ${to}`);
    }
  };
  const follow = (to: string): void => {
    const from = place();
    if (!open || redis.status !== 'ready') return;
    moved = true;
    goTo(to);
    for (const node of [from, place()]) nodes.add(node);
    redis.disconnect(true);
  };

  return {
    isUp: () => redis.status === 'ready',
    call: (command, ...args) => ask(() => redis.callBuffer(command, args)),
    run(script, keys, args) {
      const methods = redis as unknown as Record<string, (...all: Argument[]) => Promise<unknown>>;
      return ask(() => (methods[`${script}Buffer`] as (typeof methods)[string])(keys.length, ...keys, ...args));
    },
    close() {
      open = false;
      hearErrors();
      redis.disconnect();
    },
  };
}
