/** What a client's `model` means here: a router, a model, a name that a router answers to, or a bare upstream name. */
import { matchesGlob } from '../config/glob.ts';
import type { ConduitConfig, Model, Router } from '../config/resolve.ts';
import type { Caller } from './authenticate.ts';
import { ApiError } from './errors.ts';

export type Target = { kind: 'router'; router: Router } | { kind: 'model'; model: Model };

/** Throws a 404 for an unknown model and a 403 for one that the caller's key does not allow. */
export function resolveModel(name: string, config: ConduitConfig, caller: Caller): Target {
  const target = find(name, config);
  if (!target) {
    const allowed = [...config.routers.values()].filter((router) => isAllowed({ kind: 'router', router }, caller));
    const routers = allowed.map((router) => router.name).join(', ') || 'none for this key';
    throw new ApiError({
      status: 404,
      message: `The model '${name}' does not exist. Routers here: ${routers}; GET /v1/models lists everything.`,
      param: 'model',
      code: 'model_not_found',
    });
  }
  if (!isAllowed(target, caller)) {
    throw new ApiError({
      status: 403,
      message: `This key does not allow the model '${name}'.`,
      param: 'model',
      code: 'model_not_allowed',
    });
  }
  return target;
}

/** Whether a key may use a router, or a model of its own choice. */
export function isAllowed(target: Target, caller: Caller): boolean {
  if (target.kind === 'router') return caller.routers === null || caller.routers.includes(target.router.name);
  return caller.models === null || caller.models.some((glob) => matchesGlob(glob, target.model.id));
}

function find(name: string, config: ConduitConfig): Target | null {
  const router = config.routers.get(name);
  if (router) return { kind: 'router', router };
  const model = config.models.get(name);
  if (model) return { kind: 'model', model };
  for (const candidate of config.routers.values()) {
    if (candidate.answersTo.some((glob) => matchesGlob(glob, name))) return { kind: 'router', router: candidate };
  }
  const named = [...config.models.values()].filter((candidate) => candidate.upstream === name);
  return named.length === 1 ? { kind: 'model', model: named[0] as Model } : null;
}
