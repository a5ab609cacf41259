/**
 * What is known of common chat models; filled in where the config leaves it out. Dated, since prices change: what a
 * config says always goes over it.
 */
import type { Vendor } from './presets.ts';
import type { Capability, ModelPrice } from './resolve.ts';

export const CATALOGUE_DATE = '2025-11';

export interface CatalogueEntry {
  price: ModelPrice;
  context: number;
  maxOutput: number | null;
  supports: readonly Capability[];
}

const CHAT: readonly Capability[] = ['tools', 'json_schema'];
const SEEING: readonly Capability[] = ['tools', 'json_schema', 'images'];
const REASONING: readonly Capability[] = ['tools', 'json_schema', 'reasoning'];
const ALL: readonly Capability[] = ['tools', 'json_schema', 'images', 'reasoning'];
/** Their OpenAI-compatible endpoint passes over `response_format`. */
const ANTHROPIC: readonly Capability[] = ['tools', 'images'];

/** USD per million tokens: input, output, and input that the provider had cached. */
function entry(
  [input, output, cached_input]: readonly [number, number, number?],
  context: number,
  maxOutput: number | null,
  supports: readonly Capability[],
): CatalogueEntry {
  return {
    price: { input, output, ...(cached_input !== undefined && { cached_input }) },
    context,
    maxOutput,
    supports,
  };
}

const OPENAI: Readonly<Record<string, CatalogueEntry>> = {
  'gpt-5.1': entry([1.25, 10, 0.125], 400_000, 128_000, ALL),
  'gpt-5': entry([1.25, 10, 0.125], 400_000, 128_000, ALL),
  'gpt-5-mini': entry([0.25, 2, 0.025], 400_000, 128_000, ALL),
  'gpt-5-nano': entry([0.05, 0.4, 0.005], 400_000, 128_000, ALL),
  'gpt-4.1': entry([2, 8, 0.5], 1_047_576, 32_768, SEEING),
  'gpt-4.1-mini': entry([0.4, 1.6, 0.1], 1_047_576, 32_768, SEEING),
  'gpt-4.1-nano': entry([0.1, 0.4, 0.025], 1_047_576, 32_768, SEEING),
  'gpt-4o': entry([2.5, 10, 1.25], 128_000, 16_384, SEEING),
  'gpt-4o-mini': entry([0.15, 0.6, 0.075], 128_000, 16_384, SEEING),
  o3: entry([2, 8, 0.5], 200_000, 100_000, ALL),
  'o4-mini': entry([1.1, 4.4, 0.275], 200_000, 100_000, ALL),
  'o3-mini': entry([1.1, 4.4, 0.55], 200_000, 100_000, REASONING),
};

const GEMINI: Readonly<Record<string, CatalogueEntry>> = {
  'gemini-2.5-pro': entry([1.25, 10], 1_048_576, 65_536, ALL),
  'gemini-2.5-flash': entry([0.3, 2.5], 1_048_576, 65_536, ALL),
  'gemini-2.5-flash-lite': entry([0.1, 0.4], 1_048_576, 65_536, ALL),
};

const CLAUDE: Readonly<Record<string, CatalogueEntry>> = {
  'claude-opus-4-5': entry([5, 25], 200_000, 64_000, ANTHROPIC),
  'claude-opus-4-1': entry([15, 75], 200_000, 32_000, ANTHROPIC),
  'claude-sonnet-4-5': entry([3, 15], 200_000, 64_000, ANTHROPIC),
  'claude-haiku-4-5': entry([1, 5], 200_000, 64_000, ANTHROPIC),
};

const MODELS: Readonly<Record<Vendor, Readonly<Record<string, CatalogueEntry>>>> = {
  openai: OPENAI,
  anthropic: CLAUDE,
  gemini: GEMINI,
  groq: {
    'llama-3.3-70b-versatile': entry([0.59, 0.79], 131_072, 32_768, ['tools']),
    'llama-3.1-8b-instant': entry([0.05, 0.08], 131_072, 131_072, ['tools']),
    'openai/gpt-oss-120b': entry([0.15, 0.6], 131_072, 65_536, REASONING),
    'openai/gpt-oss-20b': entry([0.075, 0.3], 131_072, 65_536, REASONING),
  },
  mistral: {
    'mistral-large-2512': entry([0.5, 1.5], 256_000, null, SEEING),
    'mistral-medium-2508': entry([0.4, 2], 128_000, null, SEEING),
    'mistral-small-2506': entry([0.1, 0.3], 128_000, null, SEEING),
  },
  deepseek: {
    'deepseek-chat': entry([0.28, 0.42, 0.028], 128_000, 8_192, ['tools']),
    'deepseek-reasoner': entry([0.28, 0.42, 0.028], 128_000, 65_536, ['tools', 'reasoning']),
  },
  xai: {
    'grok-4': entry([3, 15, 0.75], 256_000, null, ALL),
    'grok-4-fast-reasoning': entry([0.2, 0.5, 0.05], 2_000_000, null, ALL),
    'grok-4-fast-non-reasoning': entry([0.2, 0.5, 0.05], 2_000_000, null, SEEING),
    'grok-3-mini': entry([0.3, 0.5, 0.075], 131_072, null, REASONING),
    'grok-code-fast-1': entry([0.2, 1.5, 0.02], 256_000, null, REASONING),
  },
  openrouter: {
    'anthropic/claude-sonnet-4.5': entry([3, 15], 200_000, 64_000, ANTHROPIC),
    'anthropic/claude-haiku-4.5': entry([1, 5], 200_000, 64_000, ANTHROPIC),
    ...prefixed('openai/', OPENAI),
    ...prefixed('google/', GEMINI),
  },
  together: {
    'meta-llama/Llama-3.3-70B-Instruct-Turbo': entry([0.88, 0.88], 131_072, null, CHAT),
    'openai/gpt-oss-120b': entry([0.15, 0.6], 131_072, null, REASONING),
    'openai/gpt-oss-20b': entry([0.05, 0.2], 131_072, null, REASONING),
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

function prefixed(prefix: string, entries: Readonly<Record<string, CatalogueEntry>>): Record<string, CatalogueEntry> {
  return Object.fromEntries(Object.entries(entries).map(([name, known]) => [prefix + name, known]));
}
