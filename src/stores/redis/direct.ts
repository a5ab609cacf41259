/** What is done in one step, whichever connection it goes by. */
import type { HotStore, SharedHealth } from '../ports.ts';
import type { Connection } from './connection.ts';
import { counterKey, HEALTH_KEY, revivedKey } from './keys.ts';
import type { Places } from './places.ts';
import type { Records } from './records.ts';

export interface DirectOptions {
  connection: Pick<Connection, 'run'>;
  records: Records;
  places: Places;
  keepMs: number;
  /** Why Redis takes nothing, though it answers; null where it does, as far as is known. */
  refusal: () => Error | null;
}

export type Direct = Pick<HotStore, 'revive' | 'add' | 'putHealth' | 'readHealth'>;

export function createDirect({ connection, records, places, keepMs, refusal }: DirectOptions): Direct {
  return {
    // Its names are where they were, as long as this Redis is.
    async revive({ decision }) {
      const { key, handle, stretch } = places.pointerOf(decision.id);
      const { texts, bytes } = records.entryOf(decision);
      await connection.run(
        'conduitRevive',
        [revivedKey(handle), key],
        [texts, bytes, records.idBytes(decision.id), handle, stretch, keepMs],
      );
    },

    async add(counter, amount, ttlMs) {
      const value = await connection.run('conduitAdd', [counterKey(counter)], [amount, Math.ceil(ttlMs)]);
      return Number(String(value));
    },

    async putHealth(name, health, ttlMs) {
      await connection.run(
        'conduitPutHealth',
        [HEALTH_KEY],
        [name, health.at, Math.ceil(ttlMs), JSON.stringify(health)],
      );
    },

    async readHealth() {
      const why = refusal();
      if (why) throw why;
      const flat = (await connection.run('conduitReadHealth', [HEALTH_KEY], [])) as Buffer[];
      const known = new Map<string, SharedHealth>();
      for (let i = 0; i < flat.length; i += 2) known.set(String(flat[i]), JSON.parse(String(flat[i + 1])));
      return known;
    },
  };
}
