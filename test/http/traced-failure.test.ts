import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { createFailureTraces } from '../../src/http/traced-failure.ts';
import type { TracedAnswer } from '../../src/routing/observer.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SAMPLED = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

/** How many of a thousand failures are traced, where one in two is to be. */
async function tracedOf(isKnown: boolean, headers: Record<string, string>): Promise<number> {
  let at = 0;
  // Each half of what is drawn in turn, and no two draws alike.
  const random = (): number => (at = (at + 0.3819660113) % 1);
  const tracing = { share: 0.5, random, randomHex: (bytes: number) => 'ab'.repeat(bytes) };
  const { traceOf } = createFailureTraces({ tracing, runtime: { clock: () => 0 } as never });
  let found: TracedAnswer | null = null;
  const app = new Hono().all('*', (context) => {
    found = traceOf(context, isKnown);
    return context.body(null);
  });
  let traced = 0;
  for (let i = 0; i < 1_000; i++) {
    await app.request('/v1/chat/completions', { headers });
    if ((found as TracedAnswer | null)?.trace.spans) traced++;
  }
  return traced;
}

describe('of what is refused', () => {
  test('the share that the config says is traced where no client has begun a trace, whoever asks', async () => {
    for (const isKnown of [true, false]) expect(Math.abs((await tracedOf(isKnown, {})) - 500)).toBeLessThan(50);
  });

  test('whoever has a key says with a trace that it is traced; of others the share is', async () => {
    expect(await tracedOf(true, SAMPLED)).toBe(1_000);
    expect(Math.abs((await tracedOf(false, SAMPLED)) - 500)).toBeLessThan(50);
  });
});
