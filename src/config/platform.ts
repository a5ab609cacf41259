/** What a config asks for that is only to be had on another platform. */
import type { Problem } from './problems.ts';
import type { WrittenConfig } from './schema.ts';

export const PLATFORMS = ['node', 'workers'] as const;
export type Platform = (typeof PLATFORMS)[number];

export function platformProblems({ stores }: WrittenConfig, platform: Platform): Problem[] {
  const problems: Problem[] = [];
  if (platform === 'node' && stores.state === 'durable-object') {
    problems.push({
      path: 'stores.state',
      message: 'a Durable Object is only to be had on Cloudflare Workers',
      allowed: 'memory, redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT',
    });
  }
  // With memory a folder is named for it alone.
  const isInFolder = stores.durable === undefined && stores.state === 'memory' && stores.folder !== undefined;
  if (platform === 'workers' && (stores.durable === 'embedded' || isInFolder)) {
    problems.push({
      path: 'stores.durable',
      message: 'there is no folder on Cloudflare Workers',
      allowed: 'none, supabase',
    });
  }
  if (platform === 'workers' && stores.durable === 'supabase' && stores.state === 'memory') {
    problems.push({
      path: 'stores.durable',
      message: 'on Cloudflare Workers an isolate’s memory has nowhere to keep what waits to be sent',
      allowed: 'none, supabase with stores.state: durable-object or a Redis',
    });
  }
  return problems;
}
