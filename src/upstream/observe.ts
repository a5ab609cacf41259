/** Watches an answer go by and keeps what is learned from it: usage, why it finished, its words' hash material. */
import { parsedObject } from './json.ts';
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
  /** What the upstream said where an event of its own was an error, else null. */
  error(): string | null;
  /** Whether the upstream said that the answer is whole: a finish reason for each choice, or `[DONE]`. */
  finished(): boolean;
  /** The answer's own id, as far as it has come. */
  completionId(): string | null;
  observed(): Observed;
}

/** Text beyond this is not kept; lineage cuts a message at the same length, so that both sides still agree. */
export const MAX_ANSWER_CHARACTERS = 256 * 1024;

export function createStreamObserver(): StreamObserver {
  let completionId: string | null = null;
  let finishReason: string | null = null;
  let usage: Usage | null = null;
  let error: string | null = null;
  const seenChoices = new Set<number>();
  const finishedChoices = new Set<number>();
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
    const event = parsedObject(data);
    if (!event) return;
    if (typeof event.id === 'string' && completionId === null) completionId = event.id;
    if (event.error) error = errorMessage(event.error);
    else if (Array.isArray(event.choices)) begun = true;
    usage = readUsage(event.usage) ?? usage;
    for (const choice of listOf<Choice>(event.choices)) {
      const delta = choice?.delta;
      const calls = listOf<ToolCall>(delta?.tool_calls);
      wrote(delta?.content);
      wrote(delta?.reasoning_content);
      for (const call of calls) wrote(call?.function?.arguments);
      const index = choice?.index ?? 0;
      seenChoices.add(index);
      if (typeof choice?.finish_reason === 'string') finishedChoices.add(index);
      // A conversation goes on from its first choice.
      if (index !== 0) continue;
      if (typeof choice?.finish_reason === 'string') finishReason = choice.finish_reason;
      if (typeof delta?.content === 'string' && kept < MAX_ANSWER_CHARACTERS) {
        pieces.push(delta.content);
        kept += delta.content.length;
      }
      // Some providers repeat a call's id with each piece of its arguments.
      for (const id of idsOf(calls)) if (!toolCallIds.includes(id)) toolCallIds.push(id);
    }
  });

  return {
    push: reader.push,
    begun: () => begun,
    error: () => error,
    finished: () => done || (finishedChoices.size > 0 && finishedChoices.size === seenChoices.size),
    completionId: () => completionId,
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

/** The same out of a whole answer's body; null where it is no chat completion, or one without any choice. */
export function observeWhole(body: string): Observed | null {
  const answer = parsedObject(body);
  const choices = listOf<Choice>(answer?.choices);
  if (!answer || choices.length === 0) return null;
  const first = choices.find((choice) => (choice?.index ?? 0) === 0);
  let characters = 0;
  for (const choice of choices) {
    const message = choice?.message;
    const calls = listOf<ToolCall>(message?.tool_calls);
    const texts = [message?.content, message?.reasoning_content, ...calls.map((call) => call?.function?.arguments)];
    for (const text of texts) if (typeof text === 'string') characters += text.length;
  }
  return {
    completionId: typeof answer.id === 'string' ? answer.id : null,
    finishReason: typeof first?.finish_reason === 'string' ? first.finish_reason : null,
    usage: readUsage(answer.usage),
    message: {
      text: typeof first?.message?.content === 'string' ? first.message.content : '',
      toolCallIds: idsOf(listOf<ToolCall>(first?.message?.tool_calls)),
    },
    characters,
    error: null,
  };
}

// What an upstream sends is taken for nothing: each of these may in truth be of any type.

interface ToolCall {
  id?: unknown;
  function?: { arguments?: unknown } | null;
}

interface Written {
  content?: unknown;
  reasoning_content?: unknown;
  tool_calls?: unknown;
}

interface Choice {
  index?: number;
  delta?: Written | null;
  message?: Written | null;
  finish_reason?: unknown;
}

function listOf<Item>(value: unknown): readonly (Item | null)[] {
  return Array.isArray(value) ? value : [];
}

function idsOf(calls: readonly (ToolCall | null)[]): string[] {
  return calls.flatMap((call) => (typeof call?.id === 'string' && call.id !== '' ? [call.id] : []));
}

/** What an error says of itself, whether it is OpenAI's object or a bare text. */
export function errorMessage(error: unknown): string {
  const message = typeof error === 'string' ? error : (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : JSON.stringify(error).slice(0, 500);
}
