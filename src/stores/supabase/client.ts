/** Calls the functions of supabase/migrations, each within a time limit, and says in plain words why one fails. */
import { createClient } from '@supabase/supabase-js';
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
  /** Breaks off what is on its way; from then on every call fails. */
  close(): void;
}

export function createSupabaseCalls({ url, serviceRoleKey, fetch }: ClientOptions): SupabaseCalls {
  const client = createClient(url, serviceRoleKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    ...(fetch && { global: { fetch } }),
  });
  const running = new Set<AbortController>();
  let open = true;

  return {
    async call(name, args, limitMs) {
      if (!open) throw new StoreUnavailable('the store is closed');
      const aborter = new AbortController();
      running.add(aborter);
      const timer = setTimeout(() => aborter.abort(), limitMs);
      try {
        const { data, error, status } = await client.rpc(name, storable(args)).abortSignal(aborter.signal);
        if (!error) return data as unknown;
        if (!open) throw new StoreUnavailable('the store is closed');
        if (aborter.signal.aborted) throw new StoreUnavailable(`Supabase did not answer within ${limitMs / 1_000} s`);
        throw errorOf({ ...error, status }, serviceRoleKey);
      } finally {
        clearTimeout(timer);
        running.delete(aborter);
      }
    },

    close() {
      open = false;
      for (const aborter of running) aborter.abort();
    },
  };
}
