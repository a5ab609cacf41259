/** What a request needs of the model that is to answer it, read from its body. */
import type { Capability } from '../config/schema.ts';
import type { ContextInput } from '../context/encoder.ts';
import { estimatePromptTokens } from '../context/tokens.ts';

export interface Needs {
  capabilities: readonly Capability[];
  /** Fields whose loss would change what the client gets: a model whose `params` drop one cannot serve it. */
  fields: readonly string[];
  promptTokensEstimate: number;
  /** Output tokens asked for, of each choice; null where the request leaves it open. */
  outputTokens: number | null;
}

export function needsOf(body: Readonly<Record<string, unknown>>, input: ContextInput): Needs {
  const capabilities: Capability[] = [];
  const add = (capability: Capability): void => {
    if (!capabilities.includes(capability)) capabilities.push(capability);
  };
  if (Array.isArray(body.tools) && body.tools.length > 0) add('tools');
  if (Array.isArray(body.functions) && body.functions.length > 0) add('tools');
  if ((body.response_format as { type?: unknown } | null | undefined)?.type === 'json_schema') add('json_schema');
  if (typeof body.reasoning_effort === 'string' && body.reasoning_effort !== 'none') add('reasoning');
  if (body.audio || (Array.isArray(body.modalities) && body.modalities.includes('audio'))) add('audio');
  for (const message of input.messages as { content?: unknown }[]) {
    if (!Array.isArray(message.content)) continue;
    for (const part of message.content as ({ type?: unknown } | null)[]) {
      if (part?.type === 'image_url') add('images');
      if (part?.type === 'input_audio') add('audio');
    }
  }
  const fields: string[] = [];
  if (typeof body.n === 'number' && body.n > 1) fields.push('n');
  if (body.logprobs === true) fields.push('logprobs');
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    capabilities,
    fields,
    promptTokensEstimate: estimatePromptTokens(input),
    outputTokens: typeof limit === 'number' && limit > 0 ? limit : null,
  };
}
