/** A Supabase project for whoever only reads in it. A Worker never does, and need not carry what this takes. */
import type { DurableReader } from '../stores/ports.ts';
import { createSupabaseCalls } from '../stores/supabase/client.ts';
import { usageIn } from '../stores/supabase/usage.ts';
import { createSupabaseStore, type SupabaseStoreOptions } from '../stores/supabase.ts';

/** Never asks before it is asked. */
export function createSupabaseReader(options: SupabaseStoreOptions): DurableReader {
  const store = createSupabaseStore(options);
  const calls = createSupabaseCalls(options);
  return {
    logs: store.logs,
    readKept: store.readKept,
    usageSince: (time) => usageIn(calls, time),
    async close() {
      calls.close();
      await store.close();
    },
  };
}
