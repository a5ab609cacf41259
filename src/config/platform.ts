/** What a config asks for that is only to be had on another platform. */
import type { Problem } from './problems.ts';
import type { WrittenConfig } from './schema.ts';

export type Platform = 'node' | 'workers';

export function platformProblems({ stores }: WrittenConfig, platform: Platform): Problem[] {
  const problems: Problem[] = [];
  if (platform === 'node' && stores.state === 'durable-object') {
    problems.push({
      path: 'stores.state',
      message: 'a Durable Object is only to be had on Cloudflare Workers',
      allowed: 'memory, redis://HOST:PORT, rediss://USER:PASSWORD@HOST:PORT',
    });
  }
  return problems;
}
