/** Which provider a request is passed through to, and what the model that it names means there. */
import { matchesGlob } from '../config/glob.ts';
import type { ConduitConfig, Model, Provider } from '../config/resolve.ts';
import type { Caller } from './authenticate.ts';
import { ApiError, badRequest } from './errors.ts';

export interface PassedTarget {
  provider: Provider;
  /** What is recorded and priced: the configured model, or a stand-in without prices that is named as the client did. */
  model: Model;
  /** Whether the config has this model. */
  isConfigured: boolean;
  /** What the upstream shall read as `model`; null to leave the body as it is. */
  upstreamName: string | null;
}

/**
 * In this order: the provider that the header names; a model id; a router's name (400); a bare upstream name that is
 * unique; PROVIDER/NAME; the first provider. Throws a 403 for a model that the caller's key does not allow.
 */
export function resolveTarget(
  name: string | null,
  providerHeader: string | undefined,
  config: ConduitConfig,
  caller: Caller,
): PassedTarget {
  const target = providerHeader === undefined ? byModel(name, config) : byHeader(name, providerHeader.trim(), config);
  if (name === null || caller.models === null) return target;
  if (!caller.models.some((glob) => matchesGlob(glob, target.model.id))) {
    throw new ApiError({
      status: 403,
      message: `This key does not allow the model '${target.model.id}'.`,
      param: 'model',
      code: 'model_not_allowed',
    });
  }
  // A body may name a field twice: what has been checked is what every one of them says from here on.
  return { ...target, upstreamName: target.upstreamName ?? name };
}

function byHeader(name: string | null, header: string, config: ConduitConfig): PassedTarget {
  const provider = config.providers.get(header);
  if (!provider) {
    throw badRequest(
      `Unknown provider in 'x-conduit-provider'. Configured: ${[...config.providers.keys()].join(', ')}.`,
      'x-conduit-provider',
      'unknown_provider',
    );
  }
  if (name === null) return unnamed(provider);
  const known = config.models.get(name);
  if (known?.provider === provider.name) return configured(known, config);
  const ofProvider = [...config.models.values()].find(
    (model) => model.provider === provider.name && model.upstream === name,
  );
  return ofProvider ? configured(ofProvider, config, name) : unconfigured(provider, name, null);
}

function byModel(name: string | null, config: ConduitConfig): PassedTarget {
  const [first] = config.providers.values();
  if (name === null) return unnamed(first as Provider);
  const model = config.models.get(name);
  if (model) return configured(model, config);
  refuseRouter(name, config);
  const named = [...config.models.values()].filter((candidate) => candidate.upstream === name);
  if (named.length === 1) return configured(named[0] as Model, config, name);
  const slash = name.indexOf('/');
  const provider = config.providers.get(name.slice(0, Math.max(0, slash)));
  const rest = name.slice(slash + 1);
  if (provider && rest !== '') return unconfigured(provider, rest, rest);
  return unconfigured(first as Provider, name, null);
}

/** Throws a 400 for a name that stands for a choice among models: only chat completions are routed. */
function refuseRouter(name: string, config: ConduitConfig): void {
  for (const router of config.routers.values()) {
    if (router.name !== name && !router.answersTo.some((glob) => matchesGlob(glob, name))) continue;
    const what = router.name === name ? `'${name}' is a router` : `The router '${router.name}' answers to '${name}'`;
    throw badRequest(
      `${what}, and routers serve POST /v1/chat/completions alone. Name a model here, such as ${router.models[0]}, or a provider in the header x-conduit-provider.`,
      'model',
      'router_not_supported_here',
    );
  }
}

const configured = (model: Model, config: ConduitConfig, written = model.id): PassedTarget => ({
  provider: config.providers.get(model.provider) as Provider,
  model,
  isConfigured: true,
  upstreamName: written === model.upstream ? null : model.upstream,
});

const unconfigured = (provider: Provider, name: string, upstreamName: string | null): PassedTarget => ({
  provider,
  model: standIn(provider, `${provider.name}/${name}`, name),
  isConfigured: false,
  upstreamName,
});

const unnamed = (provider: Provider): PassedTarget => ({
  provider,
  model: standIn(provider, provider.name, ''),
  isConfigured: false,
  upstreamName: null,
});

/** What is written in a body may be of any length; a record's names are not. */
const MOST_CHARACTERS = 256;

/**
 * Patience with what the config does not know: a file of any size may go by, as long as something moves, and an answer
 * may take as long as making a video does.
 */
const STAND_IN_TIMEOUTS = {
  connectMs: 5_000,
  firstByteMs: 600_000,
  firstByteForWholeAnswers: true,
  idleMs: 60_000,
  totalMs: Number.POSITIVE_INFINITY,
};

const standIn = (provider: Provider, id: string, upstream: string): Model => ({
  id: id.slice(0, MOST_CHARACTERS),
  provider: provider.name,
  upstream,
  price: { input: 0, output: 0 },
  priceSource: 'unknown',
  context: null,
  maxOutput: null,
  supports: new Set(),
  params: { rename: {}, drop: [], defaults: {} },
  timeouts: STAND_IN_TIMEOUTS,
  was: [],
});
