/** The state in Redis, each call by the connection of the request in which it is made. */
import { createHash } from 'node:crypto';
import { StoreUnavailable } from '../stores/ports.ts';
import { createReach, openRequestConnection, type RequestConnection } from '../stores/redis/request-connection.ts';
import { SCRIPTS } from '../stores/redis/scripts.ts';
import { createEdgeRedisStore, type EdgeRedisStore, type EdgeRedisStoreOptions } from '../stores/redis-edge.ts';
import { currentScope } from './scope.ts';

export interface EdgeRedisOptions extends Omit<EdgeRedisStoreOptions, 'connection' | 'defer'> {
  /** `redis://` or `rediss://`, with the password in it. */
  url: string;
}

/** One an isolate: it opens nothing itself, and holds facts alone. Outside of a request's scope its calls are refused. */
export function createEdgeRedis({ url, ...options }: EdgeRedisOptions): EdgeRedisStore {
  const { clock } = options;
  const reach = createReach();
  const scripts = Object.fromEntries(
    Object.entries(SCRIPTS).map(([name, lua]) => [name, { lua, sha: createHash('sha1').update(lua).digest('hex') }]),
  );
  const connection = (): RequestConnection => {
    const scope = currentScope();
    if (!scope) throw new StoreUnavailable('Redis is asked for a request, and there is none');
    return scope.held(reach, () => {
      if (clock() < reach.downUntil) throw new StoreUnavailable('Redis could not be reached a moment ago');
      return openRequestConnection({ url, reach, scripts, clock });
    });
  };
  return createEdgeRedisStore({
    ...options,
    connection: {
      call: async (...asked) => await connection().call(...asked),
      run: async (...asked) => await connection().run(...asked),
    },
    // What is begun where nothing can be asked ends by itself.
    defer: (work) => currentScope()?.waitUntil(work),
  });
}
