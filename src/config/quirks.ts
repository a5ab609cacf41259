/**
 * What common models need changed in a request, or else refuse it or lose a limit that the client set. Dated, since
 * providers change; a model's own `params` go over it and `params: as-is` turns it off.
 */
import { matchesGlob } from './glob.ts';
import type { Vendor } from './presets.ts';

export const QUIRKS_DATE = '2026-11-24';

export interface Params {
  /** Fields of the request body: from their name at the client to their name upstream. */
  rename: Readonly<Record<string, string>>;
  drop: readonly string[];
  /** Fields that are added where the client did not send them. */
  defaults: Readonly<Record<string, unknown>>;
}

interface Quirk {
  vendor: Vendor;
  /** Globs of upstream names; the first quirk that fits counts. */
  models: readonly string[];
  rename?: Readonly<Record<string, string>>;
  drop?: readonly string[];
}

const TO_COMPLETION_TOKENS = { max_tokens: 'max_completion_tokens' };
const TO_MAX_TOKENS = { max_completion_tokens: 'max_tokens' };
const LOGPROBS = ['logprobs', 'top_logprobs'];

const QUIRKS: readonly Quirk[] = [
  // These chat models of the family do not reason and take what gpt-4o takes.
  { vendor: 'openai', models: ['gpt-5-chat*', 'gpt-5.*-chat*'] },
  // These do not reason unless asked to, and take sampling parameters as long as they do not.
  { vendor: 'openai', models: ['gpt-5.1*', 'gpt-5.2*', 'gpt-5.4*'], rename: TO_COMPLETION_TOKENS },
  // "When reasoning effort is not none, remove temperature, top_p" (developers.openai.com, deployment checklist).
  {
    vendor: 'openai',
    models: ['gpt-5*', 'gpt-6*', 'o1*', 'o3*', 'o4*'],
    rename: TO_COMPLETION_TOKENS,
    drop: ['temperature', 'top_p', 'presence_penalty', 'frequency_penalty', 'logit_bias', 'stop', ...LOGPROBS],
  },
  // From Claude Opus 4.7 on these are answered with 400 (platform.claude.com, migration guides).
  {
    vendor: 'anthropic',
    models: ['opus-4-7', 'opus-4-8', 'opus-5', 'sonnet-5', 'haiku-5', 'fable-5', 'mythos'].map(
      (name) => `claude-${name}*`,
    ),
    drop: ['temperature', 'top_p'],
  },
  // Answers 400 to these (console.groq.com/docs/openai).
  { vendor: 'groq', models: ['*'], drop: ['logit_bias', ...LOGPROBS] },
  // Answers 422 to every field that it does not know; usage comes in a stream's last chunk anyway.
  {
    vendor: 'mistral',
    models: ['*'],
    rename: { ...TO_MAX_TOKENS, seed: 'random_seed' },
    drop: ['stream_options', 'logit_bias', 'user', 'store', 'service_tier', ...LOGPROBS],
  },
  { vendor: 'deepseek', models: ['*'], rename: TO_MAX_TOKENS },
  // Reasoning models answer 400 to these (docs.x.ai, reasoning).
  { vendor: 'xai', models: ['*non-reasoning*'] },
  {
    vendor: 'xai',
    models: ['grok-4*', 'grok-3-mini*', 'grok-code*'],
    drop: ['presence_penalty', 'frequency_penalty', 'stop'],
  },
  // Do not know the newer name, and without the limit an answer may run on.
  { vendor: 'together', models: ['*'], rename: TO_MAX_TOKENS },
  { vendor: 'ollama', models: ['*'], rename: TO_MAX_TOKENS },
];

/** Providers that give usage in a stream's last chunk anyway and do not know `stream_options`. */
const WITHOUT_STREAM_OPTIONS: readonly Vendor[] = ['mistral'];

export function quirksOf(vendor: Vendor | null, upstream: string): Params {
  const quirk = QUIRKS.find(
    (entry) => entry.vendor === vendor && entry.models.some((glob) => matchesGlob(glob, upstream)),
  );
  return { rename: quirk?.rename ?? {}, drop: quirk?.drop ?? [], defaults: {} };
}

/** What the user says of a field takes the place of what the table says of it. */
export function overlaidParams(table: Params, own: Params): Params {
  const rename = Object.entries(table.rename).filter(([name]) => !own.drop.includes(name));
  const drop = table.drop.filter((name) => !Object.hasOwn(own.rename, name) && !Object.hasOwn(own.defaults, name));
  return {
    rename: { ...Object.fromEntries(rename), ...own.rename },
    drop: [...new Set([...drop, ...own.drop])],
    defaults: own.defaults,
  };
}

export function knowsStreamOptions(vendor: Vendor | null): boolean {
  return vendor === null || !WITHOUT_STREAM_OPTIONS.includes(vendor);
}
