/** A connection to Redis for as long as one request has something to ask: nothing of it outlives that, nor is shared. */
import type { Redis } from 'ioredis';
import { StoreUnavailable } from '../ports.ts';
import type { Argument, Connection } from './connection.ts';
import { movedTo, translated, wordsOf } from './failures.ts';
import { codeOf } from './refused.ts';

/** What the requests of an isolate know of a Redis, one from the other: facts alone, nothing that is open. */
export interface Reach {
  /** The node of a cluster that has the keys, as "HOST:PORT"; null: the one in the URL. */
  node: string | null;
  /** By the clock: until then nobody else need try. */
  downUntil: number;
}

export const createReach = (): Reach => ({ node: null, downUntil: Number.NEGATIVE_INFINITY });

export interface Script {
  lua: string;
  /** SHA-1 in hex, by which Redis knows it. */
  sha: string;
}

export interface RequestConnectionOptions {
  /** `redis://` or `rediss://`, with the password in it. */
  url: string;
  reach: Reach;
  scripts: Readonly<Record<string, Script>>;
  /** Milliseconds that only ever grow. */
  clock: () => number;
}

export interface RequestConnection extends Pick<Connection, 'call' | 'run' | 'close'> {
  isOpen(): boolean;
  /** Resolves once it is closed, which it is soon after the last answer. */
  readonly closed: Promise<void>;
}

/** Milliseconds. */
const CONNECT_MS = 1_000;
const ANSWER_MS = 1_000;
/** The next call of the same request mostly comes sooner; to connect anew costs little more than such a call. */
const IDLE_MS = 50;
/** How long whoever comes next is told at once that Redis is away. */
const DOWN_MS = 1_000;

/** Connects at once; whoever asks waits for that. */
export function openRequestConnection(options: RequestConnectionOptions): RequestConnection {
  const { url, reach, scripts, clock } = options;
  const closed = Promise.withResolvers<void>();
  let open = true;
  let asking = 0;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let client = connect(url, reach.node);

  const close = (): void => {
    open = false;
    clearTimeout(idle);
    client.disconnect();
    closed.resolve();
  };
  /** Nothing that is asked of it later would be answered either. */
  const isDown = (): void => {
    reach.downUntil = clock() + DOWN_MS;
    reach.node = null;
    close();
  };
  const follow = (to: string, { options: { host, port } }: Redis): void => {
    client.disconnect();
    // Without a host it is the one that said so.
    reach.node = to.startsWith(':') ? `${host}${to}` : to;
    if (reach.node !== `${host}:${port}`) client = connect(url, reach.node);
  };

  const askOnce = async (asked: (redis: Redis) => Promise<unknown>): Promise<unknown> => {
    return await asked(await ready(client));
  };
  const ready = async (asking: Client): Promise<Redis> => {
    try {
      return await asking.ready;
    } catch (error) {
      if (asking === client) isDown();
      throw new StoreUnavailable(`Redis cannot be reached: ${wordsOf(error as Error)}`);
    }
  };

  const ask = async (asked: (redis: Redis) => Promise<unknown>): Promise<unknown> => {
    if (!open) throw new StoreUnavailable('Redis cannot be reached');
    asking++;
    clearTimeout(idle);
    try {
      const from = client;
      try {
        return await askOnce(asked);
      } catch (error) {
        const to = movedTo(error as Error);
        if (to === null) throw error;
        if (from === client) follow(to, await from.ready);
        return await askOnce(asked);
      }
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      const why = translated(error as Error);
      // Redis has said something: it is there.
      if ((error as Error).name !== 'ReplyError' && open) isDown();
      throw why;
    } finally {
      if (--asking === 0 && open) idle = setTimeout(close, IDLE_MS);
    }
  };

  return {
    isOpen: () => open,
    closed: closed.promise,
    close,
    call: (command, ...args) => ask((redis) => redis.callBuffer(command, args)),
    run(name, keys, args) {
      const { lua, sha } = scripts[name] as Script;
      const rest: Argument[] = [keys.length, ...keys, ...args];
      return ask((redis) =>
        redis.callBuffer('evalsha', [sha, ...rest]).catch((error: Error) => {
          if (codeOf(error.message) !== 'NOSCRIPT') throw error;
          return redis.callBuffer('eval', [lua, ...rest]);
        }),
      );
    },
  };
}

interface Client {
  /** Rejects where it cannot be asked in time. */
  ready: Promise<Redis>;
  disconnect(): void;
}

function connect(url: string, node: string | null): Client {
  const { promise, resolve, reject } = Promise.withResolvers<Redis>();
  let redis: Redis | null = null;
  const disconnect = (): void => {
    reject(new Error('it was closed before it was open'));
    redis?.disconnect();
  };
  const limit = setTimeout(() => {
    reject(new Error(`no connection within ${CONNECT_MS} ms`));
    redis?.disconnect();
  }, CONNECT_MS);
  const over = (): void => clearTimeout(limit);
  promise.then(over, over);
  const open = async (): Promise<void> => {
    redis = await clientFor(url, node);
    // It says why; that it could not connect follows.
    redis.on('error', reject);
    await redis.connect();
    resolve(redis);
  };
  open().catch(reject);
  return { ready: promise, disconnect };
}

/** The client is half of all that a Worker consists of: whoever keeps no state in Redis never loads it. */
async function clientFor(url: string, node: string | null): Promise<Redis> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    commandTimeout: ANSWER_MS,
    connectTimeout: CONNECT_MS,
    // The next request has a connection of its own.
    retryStrategy: () => null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Each of these would be a question more before the first one that somebody has.
    enableReadyCheck: false,
    disableClientInfo: true,
    protocol: 2,
  });
  if (node !== null) {
    const colon = node.lastIndexOf(':');
    redis.options.host = node.slice(0, colon);
    redis.options.port = Number(node.slice(colon + 1));
  }
  return redis;
}
