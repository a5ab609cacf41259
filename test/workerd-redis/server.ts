/** The Redis of these tests, as they have it from inside workerd. */
import { inject } from 'vitest';

const given = inject('redis');

/** Why the tests that need one are skipped; null where there is one. */
export const NO_REDIS = given === null ? 'there is no redis-server on this machine' : null;

export const URL_OF_REDIS = given?.url ?? 'redis://127.0.0.1:1';

/** Has the server, or a gateway on Node beside this one, do something. */
export async function tell<Value = unknown>(command: string, body: unknown = null): Promise<Value> {
  const response = await fetch(`${given?.control}/${command}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Value;
}
