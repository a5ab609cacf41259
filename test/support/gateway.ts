/** A gateway on a free port with a config of the test's own, and the official client that points at it. */
import { createHash } from 'node:crypto';
import OpenAI from 'openai';
import { loadConfig } from '../../src/config/load.ts';
import { type RunningGateway, startGateway } from '../../src/node.ts';
import type { Log } from '../../src/routing/runtime.ts';

export interface TestGateway extends RunningGateway {
  client: OpenAI;
  get(path: string, key?: string): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** What was logged, as JSON lines. */
  logged: string[];
}

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `yaml` is a whole config but for the server. Throws what `conduit check` would say. */
export async function startTestGateway(
  yaml: string,
  options: { key?: string; random?: () => number } = {},
): Promise<TestGateway> {
  const text = [
    yaml,
    ...(yaml.includes('server:') ? [] : ['server: { host: 127.0.0.1, port: 0 }']),
    ...(yaml.includes('stores:') ? [] : ['stores: { durable: none }']),
  ].join('\n');
  const loaded = loadConfig({ text, env: {}, sha256Hex });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const logged: string[] = [];
  const write = (fields: object, message: string): void => {
    logged.push(JSON.stringify({ message, ...fields }));
  };
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const gateway = await startGateway(loaded.config, { log, ...(options.random && { random: options.random }) });
  const authorization = (key = options.key): Record<string, string> => (key ? { authorization: `Bearer ${key}` } : {});
  return {
    ...gateway,
    client: new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: options.key ?? 'none', maxRetries: 0 }),
    get: (path, key) => fetch(gateway.url + path, { headers: authorization(key) }),
    post: (path, body, headers) =>
      fetch(gateway.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization(), ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    logged,
  };
}

/** `GET /v1/decisions/{id}` for the decision that a response names, or for this id. */
export async function decisionOf(gateway: TestGateway, from: Response | string, key?: string): Promise<Decision> {
  const id = typeof from === 'string' ? from : from.headers.get('x-conduit-decision');
  const response = await gateway.get(`/v1/decisions/${id}`, key);
  if (response.status !== 200) throw new Error(`decision ${id}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Decision;
}

/** The parts of a decision that tests look at. */
export interface Decision {
  id: string;
  router: string | null;
  key: string | null;
  chosen: string;
  model: string;
  reason: string;
  propensity: number;
  candidates: {
    model: string;
    eligible: boolean;
    ruled_out: string | null;
    propensity: number;
    quality: { mean: number; low: number; high: number };
    cost_usd: number;
    utility: number;
  }[];
  attempts: { model: string; outcome: string; status: number | null; first_byte_ms: number | null; total_ms: number }[];
  outcome: {
    kind: string;
    finish_reason: string | null;
    prompt_tokens: number | null;
    completion_tokens: number | null;
    cached_tokens: number | null;
    cost_usd: number;
  } | null;
  signals: {
    signal: string;
    source: string;
    value: number;
    weight: number;
    at: number;
    reward_before: number | null;
    reward_after: number | null;
  }[];
  reward: number | null;
  conversation: { turn: number; retry: number };
}

/** A config with one provider and models of these names, in one router `auto`. */
export function simpleConfig(
  upstreamUrl: string,
  models: readonly string[] = ['small', 'large'],
  more: { model?: string; router?: string; rest?: string } = {},
): string {
  return [
    'providers:',
    `  fake: { base_url: "${upstreamUrl}", api_key: "sk-provider-secret" }`,
    'models:',
    ...models.map(
      (name, i) =>
        `  - { id: fake/${name}, price: { input: ${i + 1}, output: ${(i + 1) * 4} }${more.model ? `, ${more.model}` : ''} }`,
    ),
    'routers:',
    `  auto: { models: [${models.map((name) => `fake/${name}`).join(', ')}]${more.router ? `, ${more.router}` : ''} }`,
    more.rest ?? '',
    more.rest?.includes('stores:') ? '' : 'stores: { durable: none }',
  ].join('\n');
}
