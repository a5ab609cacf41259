/** The Worker's config, as it is bundled or in a variable. */
import bundledConfig from '../../conduit.worker.yaml';
import { loadConfig, problemLine } from '../config/load.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { sha256Hex } from '../crypto.ts';
import type { StateObjects } from '../stores/durable-object/verbs.ts';
import type { Assets } from './page.ts';

/** Variables, secrets and bindings of the Worker; the config may refer to each that is a text as `${NAME}`. */
export interface WorkerEnvironment {
  /** A config's text in the place of the one that is bundled, conduit.worker.yaml. */
  CONDUIT_CONFIG_TEXT?: string;
  /** The namespace of `ConduitState`. */
  CONDUIT_STATE?: StateObjects;
  /** What draws the dashboard's charts. */
  UPLOT?: Assets;
  [name: string]: unknown;
}

/** As grave as the log's lines must be; where the config is not valid the Worker itself says so. */
export function logLevelOf(environment: WorkerEnvironment): ConduitConfig['log']['level'] {
  try {
    return configOf(environment).log.level;
  } catch {
    return 'info';
  }
}

/** Throws with one line a problem where the config is not valid. */
export const configOf = (environment: WorkerEnvironment): ConduitConfig => loadedConfig(environment).config;

interface LoadedConfig {
  config: ConduitConfig;
  warnings: string[];
}

/** To read one took 18 ms of a cold isolate's processor, measured, and an object asks for it to log and to drain. */
const loadedOf = new WeakMap<WorkerEnvironment, LoadedConfig>();

/** The same, with what there is to be said of it. */
export function loadedConfig(environment: WorkerEnvironment): LoadedConfig {
  const known = loadedOf.get(environment);
  if (known) return known;
  const env = Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const text = environment.CONDUIT_CONFIG_TEXT || bundledConfig;
  const loaded = loadConfig({ text, env, sha256Hex, platform: 'workers' });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemLine).join('\n'));
  loadedOf.set(environment, loaded);
  return loaded;
}
