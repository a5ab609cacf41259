/** The edge's store over a Redis of a test's own, each call as in a request of its own or all of them as in one. */
import { createHash } from 'node:crypto';
import { createEdgeRedis, type EdgeRedisOptions } from '../../src/edge/redis.ts';
import { openScope, runInScope, type Scope } from '../../src/edge/scope.ts';
import { mergedDecisions } from '../../src/routing/feedback.ts';
import type { SharedState } from '../../src/stores/ports.ts';
import type { EdgeRedisStore } from '../../src/stores/redis-edge.ts';

/** What an operator was told. */
export interface Told {
  trouble: string[];
  recovered: number;
  unwritten: number;
  lost: number;
}

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export function createAtEdge(url: string, more: Partial<EdgeRedisOptions> = {}): { store: EdgeRedisStore; told: Told } {
  const told: Told = { trouble: [], recovered: 0, unwritten: 0, lost: 0 };
  const store = createEdgeRedis({
    url,
    now: Date.now,
    clock: () => performance.now(),
    random: Math.random,
    sha256Hex,
    keepMs: 24 * 60 * 60 * 1000,
    drained: false,
    merge: mergedDecisions,
    notices: {
      trouble: (error) => told.trouble.push(error.message),
      recovered: () => told.recovered++,
      unwritten: (decisions) => {
        told.unwritten += decisions;
      },
      lost: (decisions) => {
        told.lost += decisions;
      },
    },
    ...more,
  });
  return { store, told };
}

/** A request that waits for nothing but what it began. */
export function request(): { scope: Scope; ended: () => Promise<void> } {
  const began: Promise<unknown>[] = [];
  return {
    scope: openScope((work) => began.push(work)),
    async ended() {
      // What ends may have begun something else.
      for (let i = 0; i < began.length; i++) await began[i];
    },
  };
}

/** The store with each call in the scope that this gives: left out, one of its own. */
export function within(store: EdgeRedisStore, scopeOf: () => Scope = () => request().scope): EdgeRedisStore {
  const inScope = <Part extends object>(part: Part): Part =>
    Object.fromEntries(
      Object.entries(part).map(([name, verb]) => [
        name,
        typeof verb === 'function' ? (...args: unknown[]) => runInScope(scopeOf(), () => verb(...args)) : verb,
      ]),
    ) as Part;
  const shared: SharedState = { ...inScope(store.shared), snapshots: inScope(store.shared.snapshots) };
  return { ...inScope(store), shared };
}
