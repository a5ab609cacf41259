/** Opens the durable store that a config names, and nothing else: to write in it, or only to read. */
import type { Stores } from '../config/resolve.ts';
import type { EmbeddedStore } from '../stores/embedded.ts';
import type { DurableReader, DurableStore } from '../stores/ports.ts';

export { FolderInUse } from '../stores/embedded/failures.ts';

// Each is loaded where it is asked for: who does without it need not load a database or a client for it.

export async function openFolder({ folder }: Stores): Promise<EmbeddedStore> {
  const { openEmbeddedStore } = await import('../stores/embedded.ts');
  return await openEmbeddedStore({ folder });
}

/** It need not be there. */
export async function openSupabase({ supabase }: Stores): Promise<DurableStore> {
  const { createSupabaseStore } = await import('../stores/supabase.ts');
  return createSupabaseStore(supabase as NonNullable<Stores['supabase']>);
}

/** Where everything is in the end; null where nothing outlives the state store. */
export async function openDurable(stores: Stores): Promise<DurableStore | null> {
  if (stores.durable === 'none') return null;
  return stores.durable === 'embedded' ? await openFolder(stores) : await openSupabase(stores);
}

/**
 * What `openDurable` opens, to read alone: a folder also while a gateway has it. `empty` where nothing has been kept there yet;
 * null where nothing outlives the state store.
 */
export async function openToRead(stores: Stores): Promise<DurableReader | 'empty' | null> {
  if (stores.durable === 'none') return null;
  if (stores.durable === 'supabase') {
    const { createSupabaseReader } = await import('./supabase-reader.ts');
    return createSupabaseReader(stores.supabase as NonNullable<Stores['supabase']>);
  }
  const { openEmbeddedReader } = await withoutWarning(/SQLite/, () => import('../stores/embedded-reader.ts'));
  return openEmbeddedReader(stores) ?? 'empty';
}

/** Node 22 still calls its SQLite an experiment, and would say so amid what a command says. */
async function withoutWarning<Result>(about: RegExp, load: () => Promise<Result>): Promise<Result> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!about.test(String(warning))) Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof emitWarning;
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
