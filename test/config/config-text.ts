/** The smallest config, and how the tests load texts and read what is wrong with them. */
import { createHash } from 'node:crypto';
import { type Environment, type LoadResult, loadConfig, problemLine } from '../../src/config/load.ts';
import type { ConduitConfig } from '../../src/config/resolve.ts';

export const PROVIDERS = 'providers: { local: { base_url: "http://127.0.0.1:1/v1" } }\n';
export const MODELS = 'models: [{ id: local/a, price: { input: 1, output: 2 } }]\n';
export const MINIMAL = PROVIDERS + MODELS;

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

export const load = (text: string, env: Environment = {}): LoadResult => loadConfig({ text, env, sha256Hex });

export function loaded(text: string, env: Environment = {}): ConduitConfig {
  const result = load(text, env);
  if (!result.ok) throw new Error(result.problems.map(problemLine).join('\n'));
  return result.config;
}

export function warningsOf(text: string): string[] {
  const result = load(text);
  if (!result.ok) throw new Error(result.problems.map(problemLine).join('\n'));
  return result.warnings;
}

/** One line a problem; empty where there is none. */
export function problemsOf(text: string, env: Environment = {}): string[] {
  const result = load(text, env);
  return result.ok ? [] : result.problems.map(problemLine);
}
