/** Many people at once, or one alone, before a Worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { processorMs } from './processor.ts';
import { createPerson, type Kind } from './requests.ts';

export interface Answered {
  decision: string;
}

export interface Client {
  ask(body: string): Promise<Answered>;
  rate(decision: string, thumb: 0 | 1): Promise<void>;
  close(): Promise<void>;
}

export const KEY = 'bench-key-0123456789abcdef';
const HEADERS = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
/** How long it is waited after an answer for what is behind it. */
const SETTLED_MS = 20;

export function createClient(url: string, connections: number): Client {
  const pool = new Pool(url, { connections });
  const post = async (path: string, body: string) => {
    const { statusCode, headers, body: answer } = await pool.request({ path, method: 'POST', headers: HEADERS, body });
    const text = await answer.text();
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`);
    return { headers, text };
  };
  return {
    async ask(body) {
      const { headers, text } = await post('/v1/chat/completions', body);
      const isWhole = text.endsWith('}') || text.endsWith('data: [DONE]\n\n');
      if (!isWhole) throw new Error(`an answer ends in ${text.slice(-100)}`);
      return { decision: String(headers['x-conduit-decision'] ?? '') };
    },
    async rate(decision, thumb) {
      await post('/v1/feedback', JSON.stringify({ decision_id: decision, signal: 'thumbs', value: thumb }));
    },
    close: () => pool.close(),
  };
}

/** So many requests by so many people at once; processor time of a request, in milliseconds, with what is behind it. */
export async function together(
  client: Client,
  { pid, kind, model, requests, people }: { pid: number; kind: Kind; model: string; requests: number; people: number },
): Promise<number> {
  const before = processorMs(pid);
  let left = requests;
  await Promise.all(
    Array.from({ length: people }, async () => {
      const next = createPerson(kind, model);
      while (left-- > 0) await client.ask(next());
    }),
  );
  await sleep(10 * SETTLED_MS);
  return (processorMs(pid) - before) / requests;
}

/** One request after the other has settled: what each takes, in milliseconds. */
export async function alone(
  client: Client,
  { pid, kind, model, requests }: { pid: number; kind: Kind; model: string; requests: number },
): Promise<number[]> {
  const next = createPerson(kind, model);
  const took: number[] = [];
  for (let i = 0; i < requests; i++) {
    const body = next();
    const before = processorMs(pid);
    await client.ask(body);
    await sleep(SETTLED_MS);
    took.push(processorMs(pid) - before);
  }
  return took;
}
