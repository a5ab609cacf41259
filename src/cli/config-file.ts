/** Finds and reads the config on disk, with the variables of the environment and of a `.env` file. */
import { existsSync, readFileSync } from 'node:fs';
import { type LoadOptions, type LoadResult, loadConfig } from '../config/load.ts';
import { sha256Hex } from '../crypto.ts';

export const DEFAULT_CONFIG_FILES = ['conduit.yaml', 'conduit.json'];

/** A variable that is set already wins over the `.env` file. */
export function loadDotEnv(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}

/** The config file meant: the one named, else the first of the defaults that is there, else null. */
export function configFile(named: string | undefined): string | null {
  return named ?? DEFAULT_CONFIG_FILES.find((file) => existsSync(file)) ?? null;
}

export function loadText(text: string, overrides: LoadOptions['overrides'] = {}): LoadResult {
  return loadConfig({ text, env: process.env, sha256Hex, overrides });
}

/** Says what is wrong where the file cannot be read. */
export function loadFile(path: string, overrides: LoadOptions['overrides'] = {}): LoadResult {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const message = code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`;
    return { ok: false, problems: [{ path, message }] };
  }
  return loadText(text, overrides);
}
