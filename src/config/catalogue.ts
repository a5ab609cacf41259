/**
 * What is known of common chat models; filled in where the config leaves it out. Prices are list prices of a provider's
 * first tier. Dated, since they change: what a config says always goes over it.
 */
import type { Vendor } from './presets.ts';
import type { ModelPrice } from './price.ts';
import type { Capability } from './schema.ts';

export const CATALOGUE_DATE = '2026-11-24';

export interface CatalogueEntry {
  price: ModelPrice;
  /** Tokens, prompt and answer together. */
  context: number;
  maxOutput: number | null;
  /** What works through chat completions, which may be less than the model can do by other routes. */
  supports: readonly Capability[];
}

const CHAT: readonly Capability[] = ['tools', 'json_schema'];
const SEEING: readonly Capability[] = ['tools', 'json_schema', 'images'];
const REASONING: readonly Capability[] = ['tools', 'json_schema', 'reasoning'];
const ALL: readonly Capability[] = ['tools', 'json_schema', 'images', 'reasoning'];
const HEARING_TOO: readonly Capability[] = [...ALL, 'audio'];
/** In chat completions these take tools only with reasoning off, or not at all (developers.openai.com). */
const NO_TOOLS: readonly Capability[] = ['json_schema', 'images', 'reasoning'];
/** Their OpenAI-compatible endpoint passes over `response_format` and `reasoning_effort` (platform.claude.com). */
const ANTHROPIC: readonly Capability[] = ['tools', 'images'];
/** Knows `json_object`, but no schema. */
const DEEPSEEK: readonly Capability[] = ['tools', 'reasoning'];

/** USD per million tokens: input, output, input that the provider had cached, input that it is made to cache. */
function entry(
  [input, output, cached_input, cache_write]: readonly [number, number, number?, number?],
  context: number,
  maxOutput: number | null,
  supports: readonly Capability[],
): CatalogueEntry {
  const cache = {
    ...(cached_input !== undefined && { cached_input }),
    ...(cache_write !== undefined && { cache_write }),
  };
  return { price: { input, output, ...cache }, context, maxOutput, supports };
}

const OPENAI: Readonly<Record<string, CatalogueEntry>> = {
  'gpt-6.1-sol': entry([2, 10, 0.1, 2.5], 1_050_000, 128_000, NO_TOOLS),
  'gpt-6.1-terra': entry([1, 5, 0.05, 1.25], 1_050_000, 128_000, NO_TOOLS),
  'gpt-6-luna': entry([0.1, 0.5, 0.01, 0.125], 1_050_000, 128_000, NO_TOOLS),
  'gpt-5.4': entry([2.5, 15, 0.25], 1_050_000, 128_000, ALL),
  'gpt-5.4-mini': entry([0.75, 4.5, 0.075], 400_000, 128_000, ALL),
  'gpt-5.4-nano': entry([0.2, 1.25, 0.02], 400_000, 128_000, ALL),
  'gpt-5.2': entry([1.75, 14, 0.175], 400_000, 128_000, ALL),
  'gpt-5.1': entry([1.25, 10, 0.125], 400_000, 128_000, ALL),
  'gpt-5': entry([1.25, 10, 0.125], 400_000, 128_000, ALL),
  'gpt-5-mini': entry([0.25, 2, 0.025], 400_000, 128_000, ALL),
  'gpt-5-nano': entry([0.05, 0.4, 0.005], 400_000, 128_000, ALL),
  'gpt-4.1': entry([2, 8, 0.5], 1_047_576, 32_768, SEEING),
  'gpt-4.1-mini': entry([0.4, 1.6, 0.1], 1_047_576, 32_768, SEEING),
  'gpt-4o': entry([2.5, 10, 1.25], 128_000, 16_384, SEEING),
  'gpt-4o-2024-05-13': entry([5, 15], 128_000, 4_096, ['tools', 'images']),
  'gpt-4o-mini': entry([0.15, 0.6, 0.075], 128_000, 16_384, SEEING),
  o3: entry([2, 8, 0.5], 200_000, 100_000, ALL),
};

const GEMINI: Readonly<Record<string, CatalogueEntry>> = {
  'gemini-3.8-flash': entry([0.75, 3.75, 0.075], 1_048_576, 65_536, HEARING_TOO),
  'gemini-3.5-flash': entry([1.5, 9, 0.15], 1_048_576, 65_536, HEARING_TOO),
  'gemini-3.5-flash-lite': entry([0.3, 2.5, 0.03], 1_048_576, 65_536, HEARING_TOO),
  'gemini-3.1-flash-lite': entry([0.25, 1.5, 0.025], 1_048_576, 65_536, HEARING_TOO),
  'gemini-2.5-flash-lite': entry([0.1, 0.4, 0.01], 1_048_576, 65_536, HEARING_TOO),
};

const CLAUDE: Readonly<Record<string, CatalogueEntry>> = {
  // Sources differ on what 5.5 asks for cached input: left out, it counts as input.
  'claude-opus-5-5': entry([4, 20], 1_000_000, 128_000, ANTHROPIC),
  'claude-sonnet-5-5': entry([2, 10], 1_000_000, 128_000, ANTHROPIC),
  'claude-haiku-5-5': entry([0.1, 0.5, 0.01, 0.125], 1_000_000, 128_000, ANTHROPIC),
  'claude-opus-5': entry([5, 25, 0.5, 6.25], 1_000_000, 128_000, ANTHROPIC),
  'claude-sonnet-5': entry([2, 10, 0.2, 2.5], 1_000_000, 128_000, ANTHROPIC),
  'claude-opus-4-6': entry([5, 25, 0.5, 6.25], 1_000_000, 128_000, ANTHROPIC),
  'claude-sonnet-4-6': entry([3, 15, 0.3, 3.75], 1_000_000, 128_000, ANTHROPIC),
  'claude-opus-4-5': entry([5, 25, 0.5, 6.25], 200_000, 64_000, ANTHROPIC),
  'claude-sonnet-4-5': entry([3, 15, 0.3, 3.75], 200_000, 64_000, ANTHROPIC),
  'claude-haiku-4-5': entry([1, 5, 0.1, 1.25], 200_000, 64_000, ANTHROPIC),
};

const MODELS: Readonly<Record<Vendor, Readonly<Record<string, CatalogueEntry>>>> = {
  openai: OPENAI,
  anthropic: CLAUDE,
  gemini: GEMINI,
  groq: {
    'openai/gpt-oss-120b': entry([0.15, 0.6, 0.075], 131_072, 65_536, REASONING),
    'openai/gpt-oss-20b': entry([0.075, 0.3, 0.0375], 131_072, 65_536, REASONING),
  },
  mistral: {
    'mistral-large-2512': entry([0.5, 1.5], 262_144, null, SEEING),
    'mistral-medium-2604': entry([1.5, 7.5], 262_144, null, ALL),
    'mistral-small-2603': entry([0.15, 0.6], 262_144, null, ALL),
    'ministral-8b-2512': entry([0.15, 0.15], 262_144, null, SEEING),
    'codestral-2508': entry([0.3, 0.9], 128_000, null, CHAT),
  },
  deepseek: {
    'deepseek-v4-pro': entry([1.32, 3.96, 0.044], 1_000_000, 393_216, DEEPSEEK),
    'deepseek-v4-flash': entry([0.3, 1.2, 0.006], 1_000_000, 393_216, DEEPSEEK),
  },
  xai: {
    'grok-4.5': entry([2, 6], 500_000, null, ALL),
    'grok-4.3': entry([1.25, 2.5, 0.2], 1_000_000, null, ALL),
  },
  // Passes its providers' prices on, under names of its own.
  openrouter: {
    ...renamed(OPENAI, (name) => `openai/${name}`),
    ...renamed(GEMINI, (name) => `google/${name}`),
    ...renamed(CLAUDE, (name) => `anthropic/${name.replace(/-(\d+)-(\d+)$/, '-$1.$2')}`),
  },
  together: {
    'openai/gpt-oss-120b': entry([0.15, 0.6], 131_072, null, REASONING),
    'zai-org/GLM-5.3': entry([1.4, 4.4], 1_048_575, 128_000, REASONING),
    'zai-org/GLM-5.3-Flash': entry([0.15, 0.5], 1_048_575, 128_000, ALL),
  },
  ollama: {},
};

/** What is known of a model, null where nothing is. A name that ends in a date is looked up without it too. */
export function catalogueEntry(vendor: Vendor | null, upstream: string): CatalogueEntry | null {
  if (vendor === null) return null;
  const known = MODELS[vendor];
  const undated = upstream.replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, '');
  const name = [upstream, undated].find((candidate) => Object.hasOwn(known, candidate));
  return name === undefined ? null : (known[name] as CatalogueEntry);
}

/** The upstream names that are known of a provider. */
export const catalogueNames = (vendor: Vendor): string[] => Object.keys(MODELS[vendor]);

function renamed(
  entries: Readonly<Record<string, CatalogueEntry>>,
  rename: (name: string) => string,
): Record<string, CatalogueEntry> {
  return Object.fromEntries(Object.entries(entries).map(([name, known]) => [rename(name), known]));
}
