/** Watches an answer go by and keeps what is learned from it: usage, why it finished, its words' hash material. */
import {
  type AnswerMessage,
  createFirstChoice,
  lengthOf,
  type ObservedToolCall,
  type Written,
} from './first-choice.ts';
import { parsedObject, textOf } from './json.ts';
import { createEventReader } from './sse.ts';
import { readUsage, type Usage } from './usage.ts';

export interface Observed {
  completionId: string | null;
  /** What the upstream calls the model that has answered; null where it does not tell. */
  model: string | null;
  finishReason: string | null;
  usage: Usage | null;
  message: AnswerMessage;
  /** Calls of the first choice in the order in which they came. A custom tool's call, which has no arguments, is none. */
  toolCalls: readonly ObservedToolCall[];
  /** Whether the first choice has a refusal in the field for it. */
  refused: boolean;
  /** Whether the first choice holds what is no text and no function call: audio, images, content in parts, a custom call. */
  hasOtherContent: boolean;
  /** Whether more was written than is kept, so that the text or the calls are not whole. */
  wasCut: boolean;
  /**
   * Characters of everything the model wrote, tool arguments, refusals and reasoning included: what an estimate of tokens
   * needs.
   */
  characters: number;
  /** An error that the upstream told inside its own answer. */
  error: string | null;
}

/** What is seen of an answer of which nothing is known. */
export const UNSEEN: Observed = {
  completionId: null,
  model: null,
  finishReason: null,
  usage: null,
  message: { text: '', toolCallIds: [] },
  toolCalls: [],
  refused: false,
  hasOtherContent: false,
  wasCut: false,
  characters: 0,
  error: null,
};

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

/** Beyond this nothing is kept, of text and calls together; lineage cuts a message there too, so that both sides agree. */
export const MAX_ANSWER_CHARACTERS = 256 * 1024;

export function createStreamObserver(): StreamObserver {
  let completionId: string | null = null;
  let model: string | null = null;
  let finishReason: string | null = null;
  let usage: Usage | null = null;
  let error: string | null = null;
  const seenChoices = new Set<number>();
  const finishedChoices = new Set<number>();
  let done = false;
  let begun = false;
  let characters = 0;
  const first = createFirstChoice(MAX_ANSWER_CHARACTERS);

  const reader = createEventReader((data) => {
    if (data === '[DONE]') {
      done = true;
      return;
    }
    const event = parsedObject(data);
    if (!event) return;
    if (typeof event.id === 'string' && completionId === null) completionId = event.id;
    model ??= textOf(event.model);
    if (event.error) error = errorMessage(event.error);
    else if (Array.isArray(event.choices)) begun = true;
    usage = readUsage(event.usage) ?? usage;
    for (const choice of listOf<Choice>(event.choices)) {
      const delta = choice?.delta;
      characters += lengthOf(delta);
      const index = choice?.index ?? 0;
      seenChoices.add(index);
      if (typeof choice?.finish_reason === 'string') finishedChoices.add(index);
      // A conversation goes on from its first choice.
      if (index !== 0) continue;
      if (typeof choice?.finish_reason === 'string') finishReason = choice.finish_reason;
      if (delta) first.add(delta);
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
      model,
      finishReason,
      usage,
      ...first.seen(),
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
  const seen = createFirstChoice(MAX_ANSWER_CHARACTERS);
  if (first?.message) seen.add(first.message);
  return {
    completionId: typeof answer.id === 'string' ? answer.id : null,
    model: textOf(answer.model),
    finishReason: typeof first?.finish_reason === 'string' ? first.finish_reason : null,
    usage: readUsage(answer.usage),
    ...seen.seen(),
    characters: choices.reduce((sum, choice) => sum + lengthOf(choice?.message), 0),
    error: null,
  };
}

// What an upstream sends is taken for nothing: each of these may in truth be of any type.

interface Choice {
  index?: number;
  delta?: Written | null;
  message?: Written | null;
  finish_reason?: unknown;
}

const NONE: readonly never[] = [];

function listOf<Item>(value: unknown): readonly (Item | null)[] {
  return Array.isArray(value) ? value : NONE;
}

/** What an error says of itself, whether it is OpenAI's object or a bare text. */
export function errorMessage(error: unknown): string {
  const message = typeof error === 'string' ? error : (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' ? message : JSON.stringify(error).slice(0, 500);
}
