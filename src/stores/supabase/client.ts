/** Calls the functions of supabase/migrations, each within a time limit, and says in plain words why one fails. */
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
  /** Gives what is asked for so. Rejects as `call` does. */
  ask(question: (client: PostgrestClient) => Question, limitMs: number): Promise<unknown>;
  /** Breaks off what is on its way; from then on every call fails. */
  close(): void;
}

/** What PostgREST is asked, before it is sent. */
export interface Question {
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

  const ask: SupabaseCalls['ask'] = async (question, limitMs) => {
    if (!open) throw new StoreUnavailable('the store is closed');
    client ??= connect();
    const aborter = new AbortController();
    running.add(aborter);
    const timer = setTimeout(() => aborter.abort(), limitMs);
    try {
      const { data, error, status } = await question(client).abortSignal(aborter.signal);
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
    call: (name, args, limitMs) => ask((asked) => asked.rpc(name, storable(args)), limitMs),
    ask,

    close() {
      open = false;
      for (const aborter of running) aborter.abort();
    },
  };
}
