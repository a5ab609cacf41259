/**
 * Finds model servers on this machine, and those that the user names: told by what they answer, not by their port, since
 * anything may listen there.
 */
import * as z from 'zod';
import { fromHere } from '../../config/from-here.ts';
import type { Capability } from '../../config/schema.ts';
import { thousands } from '../terminal/counted.ts';
import { askServer, type Reply } from './ask-server.ts';
import type { LeftOut } from './found.ts';
import { type ListedModel, type LocalModel, listedModel } from './listed-model.ts';
import { pulledModels, withDetails } from './ollama.ts';

export type ServerKind = 'ollama' | 'lmstudio' | 'vllm' | 'llamacpp' | 'openai-compatible';

export interface LocalServer {
  kind: ServerKind;
  baseUrl: string;
  models: LocalModel[];
  leftOut: LeftOut[];
}

export type Looked =
  | { kind: 'found'; server: LocalServer }
  /** It lists models, but whose it is nobody said. */
  | { kind: 'unknown'; baseUrl: string }
  | { kind: 'nothing'; baseUrl: string; why: string };

/** Where Ollama, LM Studio, vLLM and the server of llama.cpp listen unless told otherwise. */
export const USUAL_ADDRESSES = [11434, 1234, 8000, 8080].map((port) => `http://127.0.0.1:${port}/v1`);
/** What listens there may be busy, or on another machine. */
const WITHIN_MS = 3000;
/** More arms take longer to learn than they are worth; further ones can be written into the file. */
const MOST_MODELS = 50;
/** That are left out by name: a server may list any number. */
const MOST_LEFT_OUT = 20;

/** The base URL meant by an address: HOST:PORT, or a URL with or without its path; null where it is none. */
export function baseUrlOf(address: string): string | null {
  const written = /^[a-z]+:\/\//i.test(address) ? address : `http://${address}`;
  if (!URL.canParse(written)) return null;
  const { protocol, origin, pathname, username, password, search, hash } = new URL(written);
  if (!/^https?:$/.test(protocol) || [username, password, search, hash].some((part) => part !== '')) return null;
  const path = pathname.replace(/\/+$/, '');
  return `${fromHere(origin).url}${path === '' ? '/v1' : path}`;
}

/** What is at this address. A server of no known kind counts only where the user named it. */
export async function lookAt(baseUrl: string, { named }: { named: boolean }): Promise<Looked> {
  const root = baseUrl.replace(/\/v1$/, '');
  const until = AbortSignal.timeout(WITHIN_MS);
  const [openai, ollama, lmstudio] = await Promise.all([
    askServer(`${baseUrl}/models`, { until }),
    askServer(`${root}/api/tags`, { until }),
    askServer(`${root}/api/v0/models`, { until }),
  ]);
  const seen = recognised({ openai, ollama, lmstudio });
  if (seen === null) return { kind: 'nothing', baseUrl, why: whyNothing(openai) };
  const { models, leftOut } = sorted(seen.models);
  if (seen.kind === 'openai-compatible' && !named) {
    return models.length > 0 ? { kind: 'unknown', baseUrl } : { kind: 'nothing', baseUrl, why: whyNothing(openai) };
  }
  if (seen.kind !== 'ollama') return { kind: 'found', server: { kind: seen.kind, baseUrl, models, leftOut } };
  const detailed = sorted(await withDetails(root, models, WITHIN_MS));
  return {
    kind: 'found',
    server: { kind: 'ollama', baseUrl, models: detailed.models, leftOut: [...leftOut, ...detailed.leftOut] },
  };
}

const count = z.int().positive().nullish().catch(null);
const texts = z.array(z.string()).nullish().catch(null);

const openaiList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      owned_by: z.string().nullish().catch(null),
      // vLLM's
      max_model_len: count,
      // those of llama.cpp
      meta: z.object({ n_ctx: count, n_ctx_train: count }).nullish().catch(null),
      architecture: z.object({ input_modalities: texts }).nullish().catch(null),
    }),
  ),
});

const lmstudioList = z.object({
  data: z
    .array(
      z.object({
        id: z.string(),
        type: z.string(),
        state: z.string(),
        max_context_length: count,
        loaded_context_length: count,
        capabilities: texts,
      }),
    )
    .min(1),
});

function recognised(replies: Record<'openai' | 'ollama' | 'lmstudio', Reply>): {
  kind: ServerKind;
  models: ListedModel[];
} | null {
  const pulled = pulledModels(bodyOf(replies.ollama));
  if (pulled) return { kind: 'ollama', models: pulled };
  const studio = lmstudioList.safeParse(bodyOf(replies.lmstudio));
  if (studio.success) return { kind: 'lmstudio', models: studio.data.data.map(ofLmStudio) };
  const list = openaiList.safeParse(bodyOf(replies.openai));
  if (!list.success) return null;
  const { data } = list.data;
  const allOf = (owner: string): boolean => data.length > 0 && data.every(({ owned_by }) => owned_by === owner);
  const kind = allOf('vllm') ? 'vllm' : allOf('llamacpp') ? 'llamacpp' : 'openai-compatible';
  return { kind, models: data.map(ofOpenAi) };
}

function ofOpenAi(entry: z.infer<typeof openaiList>['data'][number]): ListedModel {
  const inputs = entry.architecture?.input_modalities;
  const seesOrHears = (name: string, capability: Capability): Capability[] =>
    inputs?.includes(name) ? [capability] : [];
  return listedModel(entry.id, {
    context: entry.max_model_len ?? entry.meta?.n_ctx ?? null,
    longest: entry.meta?.n_ctx_train ?? null,
    supports: inputs
      ? ['tools', 'json_schema', ...seesOrHears('image', 'images'), ...seesOrHears('audio', 'audio')]
      : null,
  });
}

function ofLmStudio(entry: z.infer<typeof lmstudioList>['data'][number]): ListedModel {
  const { id, type, capabilities } = entry;
  const model = listedModel(id, {
    context: entry.loaded_context_length ?? null,
    longest: entry.max_context_length ?? null,
    supports: [
      ...(capabilities && !capabilities.includes('tool_use') ? [] : (['tools'] as const)),
      'json_schema',
      ...(type === 'vlm' ? (['images'] as const) : []),
    ],
  });
  return { ...model, unfit: type === 'llm' || type === 'vlm' ? null : 'not for chat' };
}

/** What a model is called goes into the file, onto the terminal and into every request. */
const FIT_NAME = /^[^\s\p{C}*,]{1,200}$/u;

function sorted(listed: readonly ListedModel[]): { models: ListedModel[]; leftOut: LeftOut[] } {
  const models: ListedModel[] = [];
  const leftOut: LeftOut[] = [];
  const names = new Set<string>();
  for (const model of listed) {
    const { name, unfit } = model;
    if (names.has(name)) continue;
    names.add(name);
    if (!FIT_NAME.test(name)) {
      const shown = name.replace(/[\s\p{C}]+/gu, ' ').slice(0, 60);
      leftOut.push({ what: shown, why: 'a name that Conduit cannot take' });
    } else if (unfit !== null) leftOut.push({ what: name, why: unfit });
    else if (models.length < MOST_MODELS) models.push(model);
    else leftOut.push({ what: name, why: `more than ${MOST_MODELS} models` });
  }
  const further = leftOut.splice(MOST_LEFT_OUT).length;
  if (further > 0) leftOut.push({ what: `… and ${thousands(further)} more`, why: 'as those above' });
  return { models, leftOut };
}

function bodyOf(reply: Reply): unknown {
  return reply.kind === 'json' ? reply.body : null;
}

function whyNothing(openai: Reply): string {
  if (openai.kind === 'unreachable') return 'nothing answers there';
  if (openai.kind === 'too-slow') return 'no answer in time';
  if (openai.kind === 'status' && [401, 403].includes(openai.status)) return 'it asks for a key';
  return 'no model server answers there';
}
