/** A gateway as its clients see it, whatever platform it is on, with a provider behind it that does as it is told. */
import OpenAI from 'openai';
import { expect } from 'vitest';
import type { Decision } from '../support/gateway.ts';
import type { ProviderUrls } from './provider.ts';
import type { Sent, Told } from './scripts.ts';

/** How a platform starts a gateway. */
export interface Platform {
  /** Of a provider that runs already. */
  provider(): ProviderUrls;
  /**
   * `yaml` is a config but for `server`, of which `server` has fields, and for what keeps the state. Throws what `conduit
   * check` would say.
   */
  serve(yaml: string, server: string): Promise<Served>;
}

export interface Served {
  url: string;
  fetch(url: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Returns when what was left to be done has been done. */
  close(): Promise<void>;
}

export interface Provider {
  url: string;
  /** What to do for a model; `*` for every other. */
  tell(model: string, told: Told): Promise<void>;
  received(): Promise<Sent[]>;
  /** Has nothing been told, nor received. */
  reset(): Promise<void>;
}

export interface Gateway {
  provider: Provider;
  client(key?: string): OpenAI;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  get(path: string, key?: string): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  complete(body: object, headers?: Record<string, string>): Promise<Response>;
  /** The decision that a response names, or with this id, once its outcome is known. */
  decisionOf(from: Response | string, key?: string): Promise<Decision>;
  close(): Promise<void>;
}

/** `config` is given the `base_url` of the provider. With a `key` the requests have it that name no other. */
export async function startGateway(
  platform: Platform,
  config: (baseUrl: string) => string,
  { key, server = '' }: { key?: string; server?: string } = {},
): Promise<Gateway> {
  const provider = providerAt(platform.provider());
  await provider.reset();
  const { url, fetch, close } = await platform.serve(config(provider.url), server);
  const authorization = (own = key): Record<string, string> => (own ? { authorization: `Bearer ${own}` } : {});
  const get = (path: string, own?: string) => fetch(url + path, { headers: authorization(own) });
  const post = (path: string, body: unknown, headers?: Record<string, string>) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...authorization(), ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    provider,
    get,
    post,
    close,
    fetch: (path, init) => fetch(url + path, init),
    complete: (body, headers) => post('/v1/chat/completions', { model: 'auto', ...body }, headers),
    client: (own = key) =>
      new OpenAI({
        baseURL: `${url}/v1`,
        apiKey: own ?? 'none',
        maxRetries: 0,
        fetch,
        // workerd has what a browser has.
        dangerouslyAllowBrowser: true,
      }),
    async decisionOf(from, own) {
      const id = typeof from === 'string' ? from : from.headers.get('x-conduit-decision');
      const read = async () => {
        const response = await get(`/v1/decisions/${id}`, own);
        return { status: response.status, decision: (await response.json()) as Decision };
      };
      await expect.poll(async () => (await read()).decision.outcome ?? null, { timeout: 5_000 }).not.toBe(null);
      return (await read()).decision;
    },
  };
}

function providerAt({ base, control }: ProviderUrls): Provider {
  const ask = async (method: string, body?: unknown): Promise<Sent[]> => {
    const response = await fetch(control, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    return (await response.json()) as Sent[];
  };
  return {
    url: base,
    received: () => ask('GET'),
    tell: async (model, told) => void (await ask('PUT', [model, told])),
    reset: async () => void (await ask('DELETE')),
  };
}

/** A config with one provider and models of these names, in one router `auto`, and lines of the test's own. */
export const simpleConfig =
  (
    names: readonly string[] = ['small', 'large'],
    more: { router?: string; models?: readonly string[]; routers?: string; rest?: string } = {},
  ) =>
  (baseUrl: string): string =>
    [
      'providers:',
      `  fake: { base_url: "${baseUrl}", api_key: "sk-provider-secret" }`,
      'models:',
      ...names.map((name, i) => `  - { id: fake/${name}, price: { input: ${i + 1}, output: ${(i + 1) * 4} } }`),
      ...(more.models ?? []).map((line) => `  - ${line}`),
      'routers:',
      `  auto: { models: [${names.map((name) => `fake/${name}`).join(', ')}]${more.router ? `, ${more.router}` : ''} }`,
      ...(more.routers ? [`  ${more.routers}`] : []),
      more.rest ?? '',
    ].join('\n');
