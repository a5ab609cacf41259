/** Calls the functions of supabase/migrations and reads their views, each within a time limit, and says in plain words why one fails. */
import { PostgrestClient, type PostgrestError } from '@supabase/postgrest-js';
import { StoreUnavailable } from '../ports.ts';
import { errorOf } from './errors.ts';
import { storable } from './storable.ts';

export interface ClientOptions {
  /** `https://PROJECT.supabase.co`. */
  url: string;
  serviceRoleKey: string;
  /** The platform's own where it is left out. */
  fetch?: typeof fetch;
}

export interface SupabaseCalls {
  /**
   * Gives what the function returns. Rejects with `StoreUnavailable`, also where nobody knows whether it was done, and with
   * `RejectedBatch` where it never will be.
   */
  call(name: string, args: Readonly<Record<string, unknown>>, limitMs: number): Promise<unknown>;
  /**
   * Rows of a view whose decisions' ids are greater than this, in the order of the ids, as many as the project gives at once.
   * Rejects with `StoreUnavailable`.
   */
  rowsBehind(view: string, columns: string, id: string, limitMs: number): Promise<unknown[]>;
  /** Breaks off what is on its way; from then on every call fails. */
  close(): void;
}

/** Rows that are asked for at once: more than a project gives by its own settings are not sent. */
const ROWS = 1_000;

/** What PostgREST is asked, before it is sent. */
interface Asked {
  abortSignal(signal: AbortSignal): PromiseLike<{ data: unknown; error: QueryError | null; status: number }>;
}

type QueryError = Pick<PostgrestError, 'message' | 'details' | 'code'>;

export function createSupabaseCalls({ url, serviceRoleKey, fetch }: ClientOptions): SupabaseCalls {
  let client: PostgrestClient | undefined;
  const connect = (): PostgrestClient => {
    const headers = { apikey: serviceRoleKey, authorization: `Bearer ${serviceRoleKey}` };
    try {
      return new PostgrestClient(new URL('/rest/v1', url).href, { headers, ...(fetch && { fetch }) });
    } catch (error) {
      // A key that no header can have.
      throw errorOf({ status: 0, message: (error as Error).message }, serviceRoleKey);
    }
  };
  const running = new Set<AbortController>();
  let open = true;

  const within = async (ask: (client: PostgrestClient) => Asked, limitMs: number): Promise<unknown> => {
    if (!open) throw new StoreUnavailable('the store is closed');
    client ??= connect();
    const aborter = new AbortController();
    running.add(aborter);
    const timer = setTimeout(() => aborter.abort(), limitMs);
    try {
      const { data, error, status } = await ask(client).abortSignal(aborter.signal);
      if (!error) return data;
      if (!open) throw new StoreUnavailable('the store is closed');
      if (aborter.signal.aborted) throw new StoreUnavailable(`Supabase did not answer within ${limitMs / 1_000} s`);
      throw errorOf({ ...error, status }, serviceRoleKey);
    } finally {
      clearTimeout(timer);
      running.delete(aborter);
    }
  };

  return {
    call: (name, args, limitMs) => within((asked) => asked.rpc(name, storable(args)), limitMs),

    rowsBehind: async (view, columns, id, limitMs) =>
      (await within(
        (asked) => asked.from(view).select(columns).gt('decision_id', id).order('decision_id').limit(ROWS),
        limitMs,
      )) as unknown[],

    close() {
      open = false;
      for (const aborter of running) aborter.abort();
    },
  };
}
