/** Watches an answer go by and keeps what is learned from it: usage, why it finished, its words' hash material. */
import { createEventReader } from './sse.ts';
import { readUsage, type Usage } from './usage.ts';

/** The answer as the client will send it back in its next request, as far as lineage needs it. */
export interface AnswerMessage {
  text: string;
  toolCallIds: readonly string[];
}

export interface Observed {
  completionId: string | null;
  finishReason: string | null;
  usage: Usage | null;
  message: AnswerMessage;
  /** Characters of everything the model wrote, tool arguments and reasoning included: what an estimate of tokens needs. */
  characters: number;
  /** An error that the upstream told inside its own answer. */
  error: string | null;
}

export interface StreamObserver {
  push(chunk: Uint8Array): void;
  /** Whether an event has come that belongs to an answer. */
  begun(): boolean;
  /** What the upstream said where its first event is an error, else null. */
  refused(): string | null;
  /** Whether the upstream said that the answer is whole: a finish reason or `[DONE]`. */
  finished(): boolean;
  observed(): Observed;
}

/** Text beyond this is not kept; lineage cuts a message at the same length, so that both sides still agree. */
export const MAX_ANSWER_CHARACTERS = 256 * 1024;

export function createStreamObserver(): StreamObserver {
  let completionId: string | null = null;
  let finishReason: string | null = null;
  let usage: Usage | null = null;
  let error: string | null = null;
  let done = false;
  let begun = false;
  let characters = 0;
  let kept = 0;
  const pieces: string[] = [];
  const toolCallIds: string[] = [];

  const wrote = (value: unknown): void => {
    if (typeof value === 'string') characters += value.length;
  };

  const reader = createEventReader((data) => {
    if (data === '[DONE]') {
      done = true;
      return;
    }
    const event = parsed(data);
    if (!event) return;
    if (typeof event.id === 'string' && completionId === null) completionId = event.id;
    if (event.error) error = errorMessage(event.error);
    else begun = true;
    usage = readUsage(event.usage) ?? usage;
    if (!Array.isArray(event.choices)) return;
    for (const choice of event.choices as Choice[]) {
      const delta = choice?.delta;
      wrote(delta?.content);
      wrote(delta?.reasoning_content);
      for (const call of delta?.tool_calls ?? []) wrote(call?.function?.arguments);
      // A conversation goes on from its first choice.
      if ((choice?.index ?? 0) !== 0) continue;
      if (typeof choice?.finish_reason === 'string') finishReason = choice.finish_reason;
      if (typeof delta?.content === 'string' && kept < MAX_ANSWER_CHARACTERS) {
        pieces.push(delta.content);
        kept += delta.content.length;
      }
      for (const call of delta?.tool_calls ?? [])
        if (typeof call?.id === 'string' && call.id) toolCallIds.push(call.id);
    }
  });

  return {
    push: reader.push,
    begun: () => begun,
    refused: () => (begun ? null : error),
    finished: () => done || finishReason !== null,
    observed: () => ({
      completionId,
      finishReason,
      usage,
      message: { text: pieces.join(''), toolCallIds },
      characters,
      error,
    }),
  };
}

/** The same out of a whole answer's body; null where it is no chat completion. */
export function observeWhole(body: string): Observed | null {
  const answer = parsed(body);
  if (!answer || !Array.isArray(answer.choices)) return null;
  const choices = answer.choices as Choice[];
  const first = choices.find((choice) => (choice?.index ?? 0) === 0);
  let characters = 0;
  for (const { message } of choices) {
    for (const text of [message?.content, message?.reasoning_content])
      if (typeof text === 'string') characters += text.length;
    for (const call of message?.tool_calls ?? []) characters += call?.function?.arguments?.length ?? 0;
  }
  return {
    completionId: typeof answer.id === 'string' ? answer.id : null,
    finishReason: typeof first?.finish_reason === 'string' ? first.finish_reason : null,
    usage: readUsage(answer.usage),
    message: {
      text: typeof first?.message?.content === 'string' ? first.message.content : '',
      toolCallIds: (first?.message?.tool_calls ?? []).flatMap((call) =>
        typeof call?.id === 'string' ? [call.id] : [],
      ),
    },
    characters,
    error: null,
  };
}

interface ToolCall {
  id?: unknown;
  function?: { arguments?: string } | null;
}

interface Written {
  content?: unknown;
  reasoning_content?: unknown;
  tool_calls?: (ToolCall | null)[] | null;
}

interface Choice {
  index?: number;
  delta?: Written | null;
  message?: Written | null;
  finish_reason?: unknown;
}

interface Parsed {
  id?: unknown;
  choices?: unknown;
  usage?: unknown;
  error?: unknown;
}

function parsed(text: string): Parsed | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

function errorMessage(error: unknown): string {
  const message = (error as { message?: unknown }).message;
  return typeof message === 'string' ? message : JSON.stringify(error).slice(0, 500);
}
