/** `GET /v1/models` and `/v1/models/{id}`: the routers and models that the caller may use, in OpenAI's list shape. */
import type { Caller } from './authenticate.ts';
import { ApiError } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { isAllowed, resolveModel } from './resolve-model.ts';

interface ListedModel {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
}

export function listModels(
  gateway: Gateway,
  caller: Caller,
  startedAt: number,
): { object: 'list'; data: ListedModel[] } {
  const { routers, models } = gateway.config;
  const created = Math.floor(startedAt / 1000);
  return {
    object: 'list',
    data: [
      ...[...routers.values()]
        .filter((router) => isAllowed({ kind: 'router', router }, caller))
        .map((router) => ({ id: router.name, object: 'model' as const, created, owned_by: 'conduit' })),
      ...[...models.values()]
        .filter((model) => isAllowed({ kind: 'model', model }, caller))
        .map((model) => ({ id: model.id, object: 'model' as const, created, owned_by: model.provider })),
    ],
  };
}

/** Throws a 404 for a name that stands for nothing here. */
export function getModel(gateway: Gateway, caller: Caller, name: string, startedAt: number): ListedModel {
  const target = resolveModel(name, gateway.config, caller);
  const id = target.kind === 'router' ? target.router.name : target.model.id;
  const found = listModels(gateway, caller, startedAt).data.find((model) => model.id === id);
  if (!found)
    throw new ApiError({
      status: 404,
      message: `The model '${name}' does not exist.`,
      param: 'model',
      code: 'model_not_found',
    });
  return found;
}
