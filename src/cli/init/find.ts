/** Finds what a config can begin with: providers whose keys are there, and model servers near by. */
import { presetsIn } from '../../config/from-environment.ts';
import type { Environment } from '../../config/interpolate.ts';
import type { Found } from './found.ts';
import { foundByKey } from './found-by-key.ts';
import { foundServers } from './found-servers.ts';

export interface FindOptions {
  /** Base URLs of further servers. */
  local: readonly string[];
  /** Nobody is asked anything: what the environment says is all. */
  offline: boolean;
}

export async function find(env: Environment, { local, offline }: FindOptions): Promise<Found> {
  const withKeys = presetsIn(env).filter(({ vendor }) => vendor !== 'ollama');
  const [ofKeys, ofServers] = await Promise.all([
    Promise.all(withKeys.map((preset) => foundByKey(preset, env, offline))),
    foundServers(env, local, offline),
  ]);
  const parts = [...ofKeys, ...ofServers];
  return {
    providers: parts.flatMap(({ providers }) => providers),
    models: parts.flatMap(({ models }) => models),
    leftOut: parts.flatMap(({ leftOut }) => leftOut),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}
