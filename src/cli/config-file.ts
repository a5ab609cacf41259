/** Finds and reads the config on disk, with the variables of the environment and of a `.env` file. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { configFromEnvironment } from '../config/from-environment.ts';
import { type Environment, type LoadOptions, type LoadResult, loadConfig } from '../config/load.ts';
import type { Platform } from '../config/platform.ts';
import { sha256Hex } from '../crypto.ts';

export const DEFAULT_CONFIG_FILES: Readonly<Record<Platform, readonly string[]>> = {
  node: ['conduit.yaml', 'conduit.json'],
  workers: ['conduit.worker.yaml'],
};

export const DOT_ENV = '.env';
/** Wrangler's, which takes the first that is there. */
const VARIABLES_OF_WORKERS = ['.dev.vars', DOT_ENV];

/** The variables as they are now: those of `.env`, read anew each time, and over them those that the process was given. */
export function environment(platform: Platform = 'node'): Environment {
  const files = platform === 'workers' ? VARIABLES_OF_WORKERS : [DOT_ENV];
  const file = files.find((one) => existsSync(one));
  return { ...(file !== undefined && parseEnv(readFileSync(file, 'utf8'))), ...process.env };
}

/** The config file meant: the one named, else the first of the defaults that is there, else null. */
export function configFile(named: string | undefined, platform: Platform = 'node'): string | null {
  return named ?? DEFAULT_CONFIG_FILES[platform].find((file) => existsSync(file)) ?? null;
}

export function loadText(
  text: string,
  overrides: LoadOptions['overrides'] = {},
  platform: Platform = 'node',
): LoadResult {
  return loadConfig({ text, env: environment(platform), sha256Hex, overrides, platform });
}

/** Says what is wrong where the file cannot be read. */
export function loadFile(
  path: string,
  overrides: LoadOptions['overrides'] = {},
  platform: Platform = 'node',
): LoadResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    return { ok: false, problems: [{ path, message }] };
  }
  return inFolderOf(path, loadText(text, overrides, platform));
}

/** Asked of callers where the config is built: without it only this machine may call. */
export const KEY_VARIABLE = 'CONDUIT_KEY';

/** The text of the config that the keys in the environment make, where there is no file; null where they make none. */
export function builtText(): string | null {
  const env = environment();
  const built = configFromEnvironment(env);
  if (!built || !env[KEY_VARIABLE]) return built?.text ?? null;
  return `${built.text}keys: # since ${KEY_VARIABLE} is set\n  - { name: me, key: "\${${KEY_VARIABLE}}", admin: true }\n`;
}

export function loadBuilt(overrides: LoadOptions['overrides'] = {}): LoadResult {
  const text = builtText();
  if (text !== null) return inFolderOf('conduit.yaml', loadText(text, overrides));
  return { ok: false, problems: [{ path: '', message: 'no provider key is left in the environment' }] };
}

/** A folder that the config names is looked for beside it, or where it would be: the gateway may be started from anywhere. */
function inFolderOf(path: string, loaded: LoadResult): LoadResult {
  if (!loaded.ok) return loaded;
  const { stores } = loaded.config;
  const folder = resolve(dirname(path), stores.folder);
  return { ...loaded, config: { ...loaded.config, stores: { ...stores, folder } } };
}
