/** What is known of common models, and how what a config says goes over it. */
import { describe, expect, test } from 'vitest';
import { catalogueEntry } from '../../src/config/catalogue.ts';
import { PRESETS } from '../../src/config/presets.ts';
import type { Model } from '../../src/config/resolve.ts';
import { load, loaded } from './config-text.ts';

const OPENAI = 'providers: { openai: { base_url: "https://api.openai.com/v1", api_key: k } }\n';

function modelOf(text: string): Model {
  return loaded(text).models.values().next().value as Model;
}

describe('parameters', () => {
  test('of a reasoning model: the limit has its newer name, sampling is left out', () => {
    const { params } = modelOf(`${OPENAI}models: [{ id: openai/gpt-5-mini }]`);
    expect(params.rename).toEqual({ max_tokens: 'max_completion_tokens' });
    expect(params.drop).toEqual(expect.arrayContaining(['temperature', 'top_p', 'stop', 'logprobs']));
  });

  test.each(['o3', 'gpt-5', 'gpt-6-luna'])('of %s refuse a temperature', (name) => {
    expect(modelOf(`${OPENAI}models: [{ id: openai/${name} }]`).params.drop).toContain('temperature');
  });

  test.each(['gpt-4o', 'gpt-4.1-mini', 'gpt-5-chat-latest'])('of %s stay as they are', (name) => {
    expect(modelOf(`${OPENAI}models: [{ id: openai/${name} }]`).params).toEqual({ rename: {}, drop: [], defaults: {} });
  });

  test('of gpt-5.4, which reasons only when asked to: a temperature stays', () => {
    const { params } = modelOf(`${OPENAI}models: [{ id: openai/gpt-5.4 }]`);
    expect(params).toEqual({ rename: { max_tokens: 'max_completion_tokens' }, drop: [], defaults: {} });
  });

  test.each([
    ['claude-opus-4-8', true],
    ['claude-sonnet-5-5', true],
    ['claude-sonnet-4-5', false],
    ['claude-haiku-4-5-20251001', false],
  ])('of %s refuse a temperature: %s', (name, refused) => {
    const text = `providers: { anthropic: { base_url: "https://api.anthropic.com/v1" } }\nmodels: [{ id: anthropic/${name} }]`;
    expect(modelOf(text).params.drop.includes('temperature')).toBe(refused);
  });

  test.each(['together', 'deepseek', 'ollama', 'mistral'])('of %s: the limit has its older name', (vendor) => {
    const { baseUrl } = PRESETS.find((preset) => preset.vendor === vendor)!;
    const { params } = modelOf(`providers: { mine: { base_url: "${baseUrl}" } }\nmodels: [{ id: mine/a }]`);
    expect(params.rename.max_completion_tokens).toBe('max_tokens');
  });

  test('of an unknown provider stay as they are', () => {
    const { params } = modelOf(
      'providers: { mine: { base_url: "http://127.0.0.1:9/v1" } }\nmodels: [{ id: mine/gpt-5 }]',
    );
    expect(params).toEqual({ rename: {}, drop: [], defaults: {} });
  });

  test('written as as-is stay as they are', () => {
    expect(modelOf(`${OPENAI}models: [{ id: openai/o3, params: as-is }]`).params).toEqual({
      rename: {},
      drop: [],
      defaults: {},
    });
  });

  test('of the config go over those of the table, field by field', () => {
    const own = '{ rename: { stop: stops }, drop: [max_tokens, seed], defaults: { temperature: 1 } }';
    const { params } = modelOf(`${OPENAI}models: [{ id: openai/o3, params: ${own} }]`);
    expect(params.rename).toEqual({ stop: 'stops' });
    expect(params.defaults).toEqual({ temperature: 1 });
    expect(params.drop).toEqual(expect.arrayContaining(['top_p', 'max_tokens', 'seed']));
    expect(params.drop).not.toContain('temperature');
    expect(params.drop).not.toContain('stop');
  });

  test('stream_options is not sent to a provider that does not know it, unless the config says so', () => {
    const text = (more: string): string =>
      `providers: { mistral: { base_url: "https://api.mistral.ai/v1"${more} } }\nmodels: [{ id: mistral/a }]`;
    expect(loaded(text('')).providers.get('mistral')?.streamUsage).toBe(false);
    expect(loaded(text(', stream_usage: true')).providers.get('mistral')?.streamUsage).toBe(true);
    expect(loaded(`${OPENAI}models: [{ id: openai/o3 }]`).providers.get('openai')?.streamUsage).toBe(true);
  });
});

describe('the catalogue', () => {
  test('fills in what the config leaves out', () => {
    const model = modelOf(`${OPENAI}models: [{ id: openai/gpt-4o-mini }]`);
    expect(model).toMatchObject({
      price: { input: 0.15, output: 0.6, cached_input: 0.075 },
      priceSource: 'catalogue',
      context: 128_000,
      maxOutput: 16_384,
    });
    expect(model.supports).toEqual(new Set(['tools', 'json_schema', 'images']));
  });

  test('gives way to the config, and its price of cached input goes with its price of input', () => {
    const own = 'price: { input: 0, output: 0 }, context: 5, max_output: 4, supports: []';
    const model = modelOf(`${OPENAI}models: [{ id: openai/gpt-4o-mini, ${own} }]`);
    expect(model).toMatchObject({ priceSource: 'config', context: 5, maxOutput: 4, supports: new Set() });
    expect(model.price).toEqual({ input: 0, output: 0 });
  });

  test('knows a dated name by its model, and the upstream name before the id', () => {
    expect(modelOf(`${OPENAI}models: [{ id: openai/gpt-4o-2024-08-06 }]`).price.input).toBe(2.5);
    expect(modelOf(`${OPENAI}models: [{ id: openai/gpt-4o-2024-05-13 }]`).price.input).toBe(5);
    expect(modelOf(`${OPENAI}models: [{ id: openai/mine, upstream: gpt-4o }]`).price.input).toBe(2.5);
  });

  test('knows a provider by its name too, for those behind a proxy of their own', () => {
    const text = 'providers: { openai: { base_url: "http://proxy.internal/v1" } }\nmodels: [{ id: openai/gpt-4o }]';
    expect(modelOf(text).priceSource).toBe('catalogue');
  });

  test('holds a price above 0 for every model that a preset names', () => {
    for (const { vendor, models } of PRESETS) {
      if (vendor === 'ollama') continue;
      for (const name of models) expect(catalogueEntry(vendor, name)?.price.input, name).toBeGreaterThan(0);
    }
  });

  test('knows nothing of names from the prototype', () => {
    expect(catalogueEntry('openai', 'constructor')).toBeNull();
    expect(load(`${OPENAI}models: [{ id: openai/toString }]`).ok).toBe(true);
  });
});
