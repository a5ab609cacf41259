/** Opens a store over a Redis of a test's own; also where no test runs, as in what sets tests up. */
import { mergedDecisions } from '../../src/routing/feedback.ts';
import { createRedisStore, type RedisStore, type RedisStoreOptions } from '../../src/stores/redis.ts';
import { sha256Hex } from './gateway.ts';

export const DAY_MS = 24 * 60 * 60 * 1000;

/** What an operator was told. */
export interface Told {
  trouble: string[];
  recovered: number;
  lost: number;
}

export function open(url: string, more: Partial<RedisStoreOptions> = {}): { store: RedisStore; told: Told } {
  const told: Told = { trouble: [], recovered: 0, lost: 0 };
  const store = createRedisStore({
    url,
    now: Date.now,
    random: Math.random,
    sha256Hex,
    keepMs: DAY_MS,
    drained: false,
    spool: null,
    merge: mergedDecisions,
    notices: {
      trouble: (error) => told.trouble.push(error.message),
      recovered: () => told.recovered++,
      lost: (decisions) => {
        told.lost += decisions;
      },
    },
    ...more,
  });
  return { store, told };
}
