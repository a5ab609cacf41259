/** A config for somebody who has provider keys in the environment and nothing else. */
import { CATALOGUE_DATE, catalogueEntry } from './catalogue.ts';
import { fromHere } from './from-here.ts';
import type { Environment } from './interpolate.ts';
import { PRESETS, type Preset } from './presets.ts';
import { type StartingModel, type StartingProvider, startingConfigText } from './starting-config.ts';

/** The providers whose variable is set. */
export function presetsIn(env: Environment): Preset[] {
  return PRESETS.filter(({ variable }) => (env[variable] ?? '') !== '');
}

/** The text of a config that names the variables, never their values; null where no provider's variable is set. */
export function configFromEnvironment(env: Environment): { text: string } | null {
  const found = presetsIn(env);
  if (found.length === 0) return null;
  const text = startingConfigText({
    remarks: ['Made from the provider keys found in the environment. docs/configure.md explains every field.'],
    host: '127.0.0.1',
    keys: [],
    providers: found.map((preset) => providerOf(preset, env)),
    models: found.flatMap((preset) => preset.models.map((name) => modelOf(preset, name))),
    prefer: 'balanced',
    answersTo: [],
    usdPerDay: null,
    keeping: 'folder',
  });
  return { text };
}

export function providerOf({ vendor, variable, baseUrl }: Preset, env: Environment): StartingProvider {
  if (vendor !== 'ollama') return { name: vendor, baseUrl, variable, remarks: [] };
  return { name: vendor, baseUrl: ollamaUrl(env[variable] as string), variable: null, remarks: [] };
}

/** A model that the catalogue has, or that runs at Ollama. */
export function modelOf({ vendor }: Preset, name: string): StartingModel {
  const id = `${vendor}/${name}`;
  const unsaid = { id, context: null, supports: null, remark: null };
  if (vendor === 'ollama') return { ...unsaid, price: 'free' };
  const known = catalogueEntry(vendor, name);
  if (!known) throw new Error(`the catalogue of ${CATALOGUE_DATE} does not have ${id}`);
  return { ...unsaid, price: known.price };
}

/** Where Ollama is called, from its own forms: HOST, HOST:PORT, :PORT or a URL; 0.0.0.0 is where it listens, not where it is called. */
export function ollamaUrl(written: string): string {
  const host = written.replace(/^(?=:\d)/, '127.0.0.1').replace(/^(?!https?:\/\/)/, 'http://');
  const url = URL.canParse(host) ? new URL(host) : new URL('http://127.0.0.1:11434');
  if (url.port === '' && url.protocol === 'http:') url.port = '11434';
  return `${fromHere(url.origin).url}/v1`;
}
