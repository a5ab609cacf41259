/** What docs/migrate.md shows is what comes out, and what it gives as config is right. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import OpenAI from 'openai';
import { expect, onTestFinished, test } from 'vitest';
import { conduit, directory, serve } from '../../cli/run-cli.ts';
import { problemsOf } from '../../config/config-text.ts';
import { startFakeUpstream } from '../../support/fake-upstream.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/migrate.md'), 'utf8');
const blocks = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1] as string);
const [litellm, imported, ...others] = blocks('yaml') as [string, string, ...string[]];

test('the example is imported as the page shows it', async () => {
  const cwd = directory({ 'config.yaml': litellm });
  const { code, stdout } = await conduit(['import-litellm', 'config.yaml'], cwd);
  expect(code).toBe(0);
  expect(`$ conduit import-litellm config.yaml\n${stdout}`).toBe(blocks('console')[0]);
  expect(readFileSync(join(cwd, 'conduit.yaml'), 'utf8')).toBe(imported);
});

test('the configs of the other two are right', () => {
  expect(others).toHaveLength(2);
  const env = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b', OPENROUTER_API_KEY: 'c' };
  expect(others.flatMap((text) => problemsOf(text, env))).toEqual([]);
});

test('they answer to the names and send what the page says', async () => {
  const upstream = await startFakeUpstream();
  onTestFinished(() => upstream.close());
  const served = others.map((text) => text.replaceAll(/"?https:\/\/(api|openrouter)[^\s,"]*"?/g, `"${upstream.url}"`));
  const env = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b', OPENROUTER_API_KEY: 'c' };
  const answering = async (text: string | undefined) => {
    const gateway = await serve(['--port', '0'], directory({ 'conduit.yaml': text as string }), env);
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any', maxRetries: 0 });
    return async (model: string) => {
      const asked = client.chat.completions.create({ model, messages: [{ role: 'user', content: model }] });
      return (await asked.withResponse()).response.headers.get('x-conduit-model');
    };
  };

  const portkey = await answering(served[0]);
  expect(await portkey('support')).toBe('openai/gpt-5.4-mini');
  expect(upstream.received.at(-1)?.body.temperature).toBe(0.2);

  const openrouter = await answering(served[1]);
  expect(await openrouter('anthropic/claude-sonnet-5.5')).toBe('openrouter/anthropic/claude-sonnet-5.5');
  expect(upstream.received.at(-1)).toMatchObject({
    headers: { 'http-referer': 'https://app.example', 'x-openrouter-title': 'My app' },
    body: { model: 'anthropic/claude-sonnet-5.5', provider: { sort: 'throughput', data_collection: 'deny' } },
  });
  expect(await openrouter('openai/gpt-5.4-mini')).toBe('openrouter/openai/gpt-5.4-mini');
  expect(await openrouter('openrouter/auto')).toMatch(/^openrouter\//);
}, 60_000);
