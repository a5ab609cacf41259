/**
 * LiteLLM's names of providers: where those are that answer as OpenAI does, and why the others have no place here.
 * Addresses and names of variables are those that LiteLLM 1.108 itself uses (`get_llm_provider_logic.py`).
 */
import { PRESETS, type Vendor } from '../../config/presets.ts';

export interface Compatible {
  kind: 'compatible';
  /** What a provider of this kind is called in Conduit's file. */
  name: string;
  /** Null where LiteLLM wants an `api_base`, too. */
  baseUrl: string | null;
  /** LiteLLM looks for the key and for the address there where the entry has none. */
  keyVariable?: string;
  baseVariable?: string;
  /** Whose prices, limits and peculiarities its models have. */
  vendor: Vendor | null;
  /** Its models run on the own machine and cost nothing. */
  isLocal?: boolean;
  /** LiteLLM calls it by another protocol than OpenAI's, so that an `api_base` may be of that one. */
  otherProtocol?: boolean;
  /** What Conduit's `base_url` has behind LiteLLM's `api_base`. */
  behindBase?: string;
}

export interface Incompatible {
  kind: 'incompatible';
  /** What the provider speaks instead, and what can be done. */
  why: string;
}

const preset = (vendor: Vendor, more: Partial<Compatible> = {}): Compatible => {
  const { baseUrl, variable } = PRESETS.find((one) => one.vendor === vendor)!;
  return {
    kind: 'compatible',
    name: vendor,
    vendor,
    baseUrl,
    keyVariable: variable,
    baseVariable: `${vendor.toUpperCase()}_API_BASE`,
    ...more,
  };
};

const hosted = (name: string, baseUrl: string, keyVariable: string): Compatible => ({
  kind: 'compatible',
  name,
  vendor: null,
  baseUrl,
  keyVariable,
});

/** A server of the user's own, whose key is optional. */
const ownServer = (name: string, baseVariable: string, more: Partial<Compatible> = {}): Compatible => ({
  kind: 'compatible',
  name,
  vendor: null,
  baseUrl: null,
  baseVariable,
  ...more,
});

const ollama: Compatible = {
  ...preset('ollama'),
  baseVariable: 'OLLAMA_API_BASE',
  isLocal: true,
  behindBase: '/v1',
};
delete ollama.keyVariable;

const incompatible = (why: string): Incompatible => ({ kind: 'incompatible', why });

const VENDORS: Readonly<Record<string, Compatible | Incompatible>> = {
  openai: preset('openai'),
  custom_openai: preset('openai'),
  openai_like: ownServer('openai-like', 'OPENAI_LIKE_API_BASE'),
  anthropic: preset('anthropic', { otherProtocol: true }),
  gemini: preset('gemini', { otherProtocol: true }),
  groq: preset('groq'),
  mistral: preset('mistral'),
  deepseek: preset('deepseek'),
  xai: preset('xai'),
  openrouter: preset('openrouter'),
  together_ai: preset('together', { baseVariable: 'TOGETHER_AI_API_BASE' }),
  ollama,
  ollama_chat: ollama,
  hosted_vllm: ownServer('vllm', 'HOSTED_VLLM_API_BASE'),
  vllm: ownServer('vllm', 'VLLM_API_BASE'),
  lm_studio: ownServer('lm_studio', 'LM_STUDIO_API_BASE', { isLocal: true }),
  llamafile: ownServer('llamafile', 'LLAMAFILE_API_BASE', { isLocal: true, baseUrl: 'http://127.0.0.1:8080/v1' }),
  xinference: ownServer('xinference', 'XINFERENCE_API_BASE'),
  litellm_proxy: ownServer('litellm', 'LITELLM_PROXY_API_BASE', { keyVariable: 'LITELLM_PROXY_API_KEY' }),
  databricks: ownServer('databricks', 'DATABRICKS_API_BASE', { keyVariable: 'DATABRICKS_API_KEY' }),
  fireworks_ai: hosted('fireworks_ai', 'https://api.fireworks.ai/inference/v1', 'FIREWORKS_API_KEY'),
  perplexity: hosted('perplexity', 'https://api.perplexity.ai', 'PERPLEXITY_API_KEY'),
  nvidia_nim: hosted('nvidia_nim', 'https://integrate.api.nvidia.com/v1', 'NVIDIA_NIM_API_KEY'),
  cerebras: hosted('cerebras', 'https://api.cerebras.ai/v1', 'CEREBRAS_API_KEY'),
  deepinfra: hosted('deepinfra', 'https://api.deepinfra.com/v1/openai', 'DEEPINFRA_API_KEY'),
  sambanova: hosted('sambanova', 'https://api.sambanova.ai/v1', 'SAMBANOVA_API_KEY'),
  moonshot: hosted('moonshot', 'https://api.moonshot.ai/v1', 'MOONSHOT_API_KEY'),
  dashscope: hosted('dashscope', 'https://dashscope.aliyuncs.com/compatible-mode/v1', 'DASHSCOPE_API_KEY'),
  nebius: hosted('nebius', 'https://api.studio.nebius.ai/v1', 'NEBIUS_API_KEY'),
  novita: hosted('novita', 'https://api.novita.ai/v3/openai', 'NOVITA_API_KEY'),
  hyperbolic: hosted('hyperbolic', 'https://api.hyperbolic.xyz/v1', 'HYPERBOLIC_API_KEY'),
  lambda_ai: hosted('lambda_ai', 'https://api.lambda.ai/v1', 'LAMBDA_API_KEY'),
  meta_llama: hosted('meta_llama', 'https://api.llama.com/compat/v1', 'LLAMA_API_KEY'),
  featherless_ai: hosted('featherless_ai', 'https://api.featherless.ai/v1', 'FEATHERLESS_AI_API_KEY'),
  nscale: hosted('nscale', 'https://inference.api.nscale.com/v1', 'NSCALE_API_KEY'),
  friendliai: hosted('friendliai', 'https://api.friendli.ai/serverless/v1', 'FRIENDLI_TOKEN'),
  baseten: hosted('baseten', 'https://inference.baseten.co/v1', 'BASETEN_API_KEY'),
  zai: hosted('zai', 'https://api.z.ai/api/paas/v4', 'ZAI_API_KEY'),
  volcengine: hosted('volcengine', 'https://ark.cn-beijing.volces.com/api/v3', 'VOLCENGINE_API_KEY'),
  vercel_ai_gateway: hosted('vercel', 'https://ai-gateway.vercel.sh/v1', 'VERCEL_AI_GATEWAY_API_KEY'),
  wandb: hosted('wandb', 'https://api.inference.wandb.ai/v1', 'WANDB_API_KEY'),
  morph: hosted('morph', 'https://api.morphllm.com/v1', 'MORPH_API_KEY'),
  inception: hosted('inception', 'https://api.inceptionlabs.ai/v1', 'INCEPTION_API_KEY'),
  v0: hosted('v0', 'https://api.v0.dev/v1', 'V0_API_KEY'),
  codestral: hosted('codestral', 'https://codestral.mistral.ai/v1', 'CODESTRAL_API_KEY'),
  scaleway: hosted('scaleway', 'https://api.scaleway.ai/v1', 'SCW_SECRET_KEY'),
  'text-completion-openai': incompatible(
    'completions without messages are passed on and not routed: clients send them as openai/NAME (docs/pass-through.md)',
  ),
  bedrock: incompatible(
    'Bedrock’s own protocol with AWS signatures: where the model is there, add Bedrock’s OpenAI-compatible endpoint ' +
      '(https://bedrock-runtime.REGION.amazonaws.com/openai/v1) with a Bedrock API key as a provider',
  ),
  vertex_ai: incompatible(
    'Google Cloud’s access tokens end after an hour: Gemini models are to be had with an API key (gemini/NAME)',
  ),
  sagemaker: incompatible('requests signed by AWS: put a server that answers as OpenAI does in front of it'),
  watsonx: incompatible('IBM’s own protocol and tokens: keep LiteLLM in front of it and add that as a provider'),
};

const ALIASES: Readonly<Record<string, string>> = {
  azure_text: 'azure',
  bedrock_converse: 'bedrock',
  bedrock_mantle: 'bedrock',
  vertex_ai_beta: 'vertex_ai',
  sagemaker_chat: 'sagemaker',
  watsonx_text: 'watsonx',
};

/** Azure is told apart: its address depends on the resource. */
export function vendorNamed(prefix: string): Compatible | Incompatible | 'azure' | null {
  const name = ALIASES[prefix] ?? prefix;
  if (name === 'azure' || name === 'azure_ai') return 'azure';
  return Object.hasOwn(VENDORS, name) ? VENDORS[name]! : null;
}

/** For a prefix that LiteLLM knows and this table does not. */
export const unknownVendor = (prefix: string): Incompatible =>
  incompatible(
    `the provider ${prefix} is not known here: where it answers as OpenAI does, write it as openai/NAME with its ` +
      'api_base; else keep LiteLLM in front of it and add that as a provider',
  );

/** A name without a prefix: LiteLLM finds its provider in a list of models; these are what that comes to. */
const BY_NAME: readonly [RegExp, string][] = [
  [/^(gpt-|chatgpt-|o\d|text-embedding-|tts-|whisper-|dall-e-|omni-moderation|ft:)/, 'openai'],
  [/^claude-/, 'anthropic'],
  [/^gemini-/, 'vertex_ai'],
];

export function prefixByName(name: string): string | null {
  return BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
