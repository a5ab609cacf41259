/** The model servers near by, as providers of a config. */
import { modelOf, ollamaUrl, presetsIn, providerOf } from '../../config/from-environment.ts';
import type { Environment } from '../../config/interpolate.ts';
import type { Preset } from '../../config/presets.ts';
import type { StartingModel } from '../../config/starting-config.ts';
import { type Found, NOTHING } from './found.ts';
import type { LocalModel } from './listed-model.ts';
import { type LocalServer, lookAt, type ServerKind, USUAL_ADDRESSES } from './local-servers.ts';

interface Address {
  baseUrl: string;
  /** Null for a usual address. */
  namedBy: 'OLLAMA_HOST' | '--local' | null;
}

export async function foundServers(env: Environment, local: readonly string[], offline: boolean): Promise<Found[]> {
  const host = env.OLLAMA_HOST || null;
  const addresses: Address[] = [
    ...(host === null ? [] : [{ baseUrl: ollamaUrl(host), namedBy: 'OLLAMA_HOST' as const }]),
    ...local.map((baseUrl) => ({ baseUrl, namedBy: '--local' as const })),
    ...(offline ? [] : USUAL_ADDRESSES.map((baseUrl) => ({ baseUrl, namedBy: null }))),
  ];
  const once = addresses.filter((one, index) => addresses.findIndex((other) => isSame(one, other)) === index);
  const looked = await Promise.all(
    once.map(async ({ baseUrl, namedBy }) => ({
      namedBy,
      look: offline
        ? ({ kind: 'nothing', baseUrl, why: 'it was not asked' } as const)
        : await lookAt(baseUrl, { named: namedBy !== null }),
    })),
  );
  const taken = new Set<string>();
  return looked.map(({ namedBy, look }) => {
    if (look.kind === 'found') return ofServer(look.server, namedBy !== null, taken);
    if (look.kind === 'unknown') return ofUnknown(look.baseUrl);
    if (namedBy === 'OLLAMA_HOST') return ofSilentOllama(env, look.why, offline, taken);
    if (namedBy === null) return NOTHING;
    return { ...NOTHING, leftOut: [{ what: look.baseUrl, why: look.why }] };
  });
}

const isSame = (one: Address, other: Address): boolean =>
  one.baseUrl.replace('//localhost:', '//127.0.0.1:') === other.baseUrl.replace('//localhost:', '//127.0.0.1:');

const PROVIDER_NAMES: Readonly<Record<ServerKind, string>> = {
  ollama: 'ollama',
  lmstudio: 'lmstudio',
  vllm: 'vllm',
  llamacpp: 'llamacpp',
  'openai-compatible': 'local',
};

const SERVER_NAMES: Readonly<Record<ServerKind, string>> = {
  ollama: 'Ollama',
  lmstudio: 'LM Studio',
  vllm: 'vLLM',
  llamacpp: 'llama.cpp',
  'openai-compatible': 'a server',
};

/** What there is to know of a kind before its first request fails. */
const REMARKS: Partial<Record<ServerKind, string>> = {
  vllm: 'vLLM takes tools only where it was started with --enable-auto-tool-choice',
};

function ofServer(server: LocalServer, named: boolean, taken: Set<string>): Found {
  const { kind, baseUrl, models } = server;
  const told = `${SERVER_NAMES[kind]} at ${baseUrl}`;
  const without = { ...NOTHING, leftOut: server.leftOut };
  if (models.length === 0) return named ? { ...without, warnings: [`${told} has no model for chat`] } : without;
  const name = freeName(PROVIDER_NAMES[kind], taken);
  const remark = REMARKS[kind];
  return {
    providers: [
      { name, baseUrl, variable: null, remarks: remark ? [remark] : [], told, preset: null, has: () => false },
    ],
    models: models.map((model) => ofLocalModel(name, model)),
    leftOut: server.leftOut.map(({ what, why }) => ({ what: `${name}/${what}`, why })),
    warnings: [],
  };
}

/** Others than the known ones listen at the usual ports too: who runs one should hear how to take it. */
function ofUnknown(baseUrl: string): Found {
  return {
    ...NOTHING,
    warnings: [`${baseUrl} lists models of no server known by name: --local ${baseUrl} takes them`],
  };
}

/** The variable says that it is there: it may only not run at the moment. */
function ofSilentOllama(env: Environment, why: string, offline: boolean, taken: Set<string>): Found {
  const preset = presetsIn(env).find(({ vendor }) => vendor === 'ollama') as Preset;
  freeName(preset.vendor, taken);
  const remarks = [`${offline ? 'Not asked' : 'It did not answer'}: write here the models that you have pulled`];
  const provider = providerOf(preset, env);
  return {
    ...NOTHING,
    providers: [
      {
        ...provider,
        remarks,
        told: `Ollama at ${provider.baseUrl}, ${offline ? 'not asked' : 'silent'}`,
        preset: null,
        has: () => false,
      },
    ],
    models: preset.models.map((name) => modelOf(preset, name)),
    warnings: offline ? [] : [`OLLAMA_HOST: ${why}; its models are guessed`],
  };
}

function ofLocalModel(provider: string, { name, context, longest, supports }: LocalModel): StartingModel {
  const unsure = context === null && longest !== null;
  return {
    id: `${provider}/${name}`,
    price: 'free',
    context,
    supports,
    remark: unsure ? `context: at most ${longest}; write the one that it runs with` : null,
  };
}

function freeName(name: string, taken: Set<string>): string {
  const free = [name, ...Array.from({ length: taken.size + 1 }, (_, index) => `${name}-${index + 2}`)].find(
    (candidate) => !taken.has(candidate),
  ) as string;
  taken.add(free);
  return free;
}
