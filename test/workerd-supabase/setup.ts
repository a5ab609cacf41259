/** Starts a Supabase project for the tests inside workerd, which can start nothing, and lets them have it fail and look at it. */
import type { TestProject } from 'vitest/node';
import { startControlServer } from '../support/control-server.ts';
import { SERVICE_ROLE_KEY } from '../support/postgrest-server.ts';
import { startSupabaseProject } from '../support/supabase-project.ts';

declare module 'vitest' {
  interface ProvidedContext {
    supabase: { url: string; key: string; control: string };
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const { server, database, close } = await startSupabaseProject();
  const commands: Readonly<Record<string, (body: string) => unknown>> = {
    faults: (body) => Object.assign(server.faults, JSON.parse(body)),
    rows: (sql) => database.query(sql),
    calls: (name) => server.calls.filter((called) => called === name).length,
  };
  const control = await startControlServer(commands);
  provide('supabase', { url: server.url, key: SERVICE_ROLE_KEY, control: control.url });
  return async () => {
    control.close();
    await close();
  };
}
