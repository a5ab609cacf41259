/** Starts a Supabase project for the tests inside workerd, which can start nothing, and lets them have it fail and look at it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
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
  const control = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    try {
      const value = await commands[(request.url ?? '').slice(1)]?.(body);
      response.end(JSON.stringify(value ?? null));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const { port } = control.address() as AddressInfo;
  provide('supabase', { url: server.url, key: SERVICE_ROLE_KEY, control: `http://127.0.0.1:${port}` });
  return async () => {
    control.closeAllConnections();
    control.close();
    await close();
  };
}
