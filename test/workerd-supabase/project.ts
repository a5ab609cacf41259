/** The Supabase project of these tests, as they have it from inside workerd, and the config of Workers that have it behind them. */
import { inject } from 'vitest';
import { type Faults, NO_FAULTS } from '../support/postgrest-faults.ts';

const { url, key, control } = inject('supabase');

export const SUPABASE = { url, serviceRoleKey: key };

export const configOver = (state: string, router: string): string => `
server: { secret: s }
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models:
  - { id: fake/good, price: { input: 1, output: 2 } }
  - { id: fake/bad, price: { input: 1, output: 2 } }
routers: { ${router}: { models: [fake/good, fake/bad], sticky: none } }
stores: { state: "${state}", durable: supabase, supabase: { url: "${url}", service_role_key: "${key}" }, retention: 2d }
`;

async function tell<Value>(command: string, body: string): Promise<Value> {
  const response = await fetch(`${control}/${command}`, { method: 'POST', body });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Value;
}

/** Has Supabase fail in these ways, and in no other. */
export const failing = (faults: Partial<Faults> = {}): Promise<unknown> =>
  tell('faults', JSON.stringify({ ...NO_FAULTS, ...faults }));

export const rows = (sql: string): Promise<Record<string, unknown>[]> => tell('rows', sql);

/** How often a function was called. */
export const calls = (name: string): Promise<number> => tell('calls', name);

/** What there is of a router: its decisions, and how often they were changed in all. */
export async function keptOf(router: string): Promise<{ decisions: number; changes: number }> {
  const [found] = await rows(
    `select count(*)::int as decisions, coalesce(sum(version - 1), 0)::int as changes from routing_decisions d
     join queries q using (decision_id) where q.router = '${router}'`,
  );
  return found as { decisions: number; changes: number };
}

/** A provider that always says the same. */
export const upstream = async (): Promise<Response> =>
  Response.json({
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
