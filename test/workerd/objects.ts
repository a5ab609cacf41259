/** Durable Objects of a test's own, inside the real workerd. */
import { env } from 'cloudflare:workers';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import { createObjectStore, type ObjectStore, type ObjectStoreOptions } from '../../src/stores/durable-object.ts';

export const DAY_MS = 24 * 60 * 60 * 1_000;

let made = 0;

/** Objects that nobody has asked anything yet. */
export function newObjects(): StateObjects {
  const own = `${++made}/`;
  return { getByName: (name) => env.CONDUIT_STATE.getByName(own + name) };
}

/** As another isolate has it. */
export function storeOver(objects: StateObjects, more: Partial<ObjectStoreOptions> = {}): ObjectStore {
  const halfLives = new Map([['auto', null]]);
  const usual = { halfLives, retentionMs: 30 * DAY_MS, isDrained: false, holder: `isolate ${++made}` };
  return createObjectStore({ objects, ...usual, ...more });
}

/** Objects that note what is asked of them, as `object verb`. */
export function noted(objects: StateObjects): { objects: StateObjects; taken(): string[] } {
  const calls: string[] = [];
  type Verbs = Record<string, (...asked: unknown[]) => unknown>;
  const getByName = (name: string) => {
    const verbs = objects.getByName(name) as unknown as Verbs;
    const get = (_: unknown, verb: string) => {
      return (...asked: unknown[]) => {
        calls.push(`${name} ${verb}`);
        return verbs[verb]?.(...asked);
      };
    };
    return new Proxy({}, { get }) as ReturnType<StateObjects['getByName']>;
  };
  return { objects: { getByName }, taken: () => calls.splice(0) };
}
