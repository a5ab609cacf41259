/** A config for somebody who has provider keys in the environment and nothing else. */
import type { Environment } from './interpolate.ts';
import { PRESETS, type Preset } from './presets.ts';

export interface EnvironmentConfigOptions {
  prefer?: 'quality' | 'balanced' | 'cost' | 'speed';
}

/** The text of a config that names the variables, never their values; null where no provider's variable is set. */
export function configFromEnvironment(
  env: Environment,
  options: EnvironmentConfigOptions = {},
): { text: string } | null {
  const found = PRESETS.filter(({ variable }) => (env[variable] ?? '') !== '');
  if (found.length === 0) return null;
  const models = found.flatMap(({ vendor, models: names }) => names.map((name) => `${vendor}/${name}`));
  const lines = [
    '# Written from the provider keys found in the environment. docs/configure.md explains every field.',
    'server: { host: 127.0.0.1, port: 8787 }',
    '# keys: # who may call; without keys only this machine can',
    `#   - { name: web, key: "\${CONDUIT_WEB_KEY}" }`,
    'providers:',
    ...found.map((preset) => `  ${preset.vendor}: ${providerOf(preset, env)}`),
    'models: # prices come from the catalogue; `price: { input: …, output: … }` in USD per million tokens overrides them',
    ...found.flatMap(modelLines),
    'routers:',
    '  auto: # the `model` that clients send',
    `    models: [${models.map((id) => JSON.stringify(id)).join(', ')}]`,
    `    prefer: ${options.prefer ?? 'balanced'} # quality | balanced | cost | speed`,
    '',
  ];
  return { text: lines.join('\n') };
}

function providerOf({ vendor, variable, baseUrl }: Preset, env: Environment): string {
  if (vendor !== 'ollama') return `{ base_url: ${JSON.stringify(baseUrl)}, api_key: "\${${variable}}" }`;
  // Ollama's own forms: HOST, HOST:PORT or a URL; 0.0.0.0 is where it listens, not where it is called.
  const host = (env[variable] as string).replace(/^(?!https?:\/\/)/, 'http://').replace('//0.0.0.0', '//127.0.0.1');
  const url = URL.canParse(host) ? new URL(host) : new URL(baseUrl);
  if (url.port === '' && url.protocol === 'http:') url.port = '11434';
  return `{ base_url: ${JSON.stringify(`${url.origin}/v1`)} }`;
}

/** Local models cost nothing; of all others the catalogue knows the price. */
function modelLines({ vendor, models }: Preset): string[] {
  const price = vendor === 'ollama' ? ', price: { input: 0, output: 0 }' : '';
  return models.map((name) => `  - { id: ${JSON.stringify(`${vendor}/${name}`)}${price} }`);
}
