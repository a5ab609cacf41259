/** The config that is built from provider keys in the environment. */
import { describe, expect, test } from 'vitest';
import { configFromEnvironment } from '../../src/config/from-environment.ts';
import { PRESETS } from '../../src/config/presets.ts';
import { load, loaded } from './config-text.ts';

test('there is none without a key, or with an empty one', () => {
  expect(configFromEnvironment({})).toBeNull();
  expect(configFromEnvironment({ OPENAI_API_KEY: '' })).toBeNull();
});

test('holds the names of the variables and none of their values', () => {
  const env = { OPENAI_API_KEY: 'sk-very-secret', GROQ_API_KEY: 'gsk-very-secret' };
  const built = configFromEnvironment(env)!;
  expect(built.text).not.toContain('very-secret');
  const config = loaded(built.text, env);
  expect([...config.providers.keys()]).toEqual(['openai', 'groq']);
  expect(config.providers.get('openai')?.apiKeys).toEqual(['sk-very-secret']);
  expect(config.routers.get('auto')?.models).toEqual([...config.models.keys()]);
});

test.each(PRESETS)('is valid with $variable alone, every price known', (preset) => {
  const env = { [preset.variable]: preset.vendor === 'ollama' ? '127.0.0.1:11434' : 'key' };
  expect(load(configFromEnvironment(env)!.text, env)).toMatchObject({ ok: true, warnings: [] });
});

describe('the address of Ollama is understood in the forms that Ollama itself takes', () => {
  test.each([
    ['127.0.0.1', 'http://127.0.0.1:11434/v1'],
    ['0.0.0.0', 'http://127.0.0.1:11434/v1'],
    ['[::]:11434', 'http://localhost:11434/v1'],
    [':11435', 'http://127.0.0.1:11435/v1'],
    ['0.0.0.0:5000', 'http://127.0.0.1:5000/v1'],
    ['box.lan:11434', 'http://box.lan:11434/v1'],
    ['http://box.lan:8080', 'http://box.lan:8080/v1'],
    ['https://box.example', 'https://box.example/v1'],
    ['nonsense with spaces', 'http://127.0.0.1:11434/v1'],
  ])('%s', (host, url) => {
    const env = { OLLAMA_HOST: host };
    expect(loaded(configFromEnvironment(env)!.text, env).providers.get('ollama')?.baseUrl).toBe(url);
  });
});
