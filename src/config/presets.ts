/** The providers that Conduit knows by name: where they are, which variable holds their key, and models to start with. */

export type Vendor =
  | 'openai'
  | 'anthropic'
  | 'gemini'
  | 'groq'
  | 'mistral'
  | 'deepseek'
  | 'xai'
  | 'openrouter'
  | 'together'
  | 'ollama';

export interface Preset {
  vendor: Vendor;
  /** The environment variable that says that this provider is there: its key, or for Ollama its address. */
  variable: string;
  baseUrl: string;
  /** Upstream names, the most capable first. */
  models: readonly string[];
}

export const PRESETS: readonly Preset[] = [
  {
    vendor: 'openai',
    variable: 'OPENAI_API_KEY',
    baseUrl: 'https://api.openai.com/v1',
    models: ['gpt-5.4', 'gpt-5.4-mini', 'gpt-4.1-mini'],
  },
  {
    vendor: 'anthropic',
    variable: 'ANTHROPIC_API_KEY',
    baseUrl: 'https://api.anthropic.com/v1',
    models: ['claude-sonnet-5-5', 'claude-haiku-5-5'],
  },
  {
    vendor: 'gemini',
    variable: 'GEMINI_API_KEY',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    models: ['gemini-3.8-flash', 'gemini-3.5-flash-lite', 'gemini-2.5-flash-lite'],
  },
  {
    vendor: 'groq',
    variable: 'GROQ_API_KEY',
    baseUrl: 'https://api.groq.com/openai/v1',
    models: ['openai/gpt-oss-120b', 'openai/gpt-oss-20b'],
  },
  {
    vendor: 'mistral',
    variable: 'MISTRAL_API_KEY',
    baseUrl: 'https://api.mistral.ai/v1',
    models: ['mistral-medium-2604', 'mistral-large-2512', 'mistral-small-2603'],
  },
  {
    vendor: 'deepseek',
    variable: 'DEEPSEEK_API_KEY',
    baseUrl: 'https://api.deepseek.com/v1',
    models: ['deepseek-v4-pro', 'deepseek-v4-flash'],
  },
  {
    vendor: 'xai',
    variable: 'XAI_API_KEY',
    baseUrl: 'https://api.x.ai/v1',
    models: ['grok-4.5', 'grok-4.3'],
  },
  {
    vendor: 'openrouter',
    variable: 'OPENROUTER_API_KEY',
    baseUrl: 'https://openrouter.ai/api/v1',
    models: ['anthropic/claude-sonnet-5.5', 'openai/gpt-5.4-mini', 'google/gemini-3.5-flash-lite'],
  },
  {
    vendor: 'together',
    variable: 'TOGETHER_API_KEY',
    baseUrl: 'https://api.together.xyz/v1',
    models: ['zai-org/GLM-5.3', 'zai-org/GLM-5.3-Flash', 'openai/gpt-oss-120b'],
  },
  {
    vendor: 'ollama',
    variable: 'OLLAMA_HOST',
    baseUrl: 'http://127.0.0.1:11434/v1',
    models: ['llama3.1'],
  },
];

/** Which known provider this is: by its address, or else by its name, as when a proxy stands in between. */
export function vendorOf(provider: string, baseUrl: string): Vendor | null {
  const { host } = new URL(baseUrl);
  const byHost = PRESETS.find((preset) => new URL(preset.baseUrl).host === host);
  return (byHost ?? PRESETS.find((preset) => preset.vendor === provider))?.vendor ?? null;
}
