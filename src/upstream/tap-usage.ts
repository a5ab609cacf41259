/**
 * Reads what an answer used as it goes by, in the words of chat completions and of responses alike, and holds nothing
 * of it back: of a whole answer its two ends are looked through, of a stream the events that speak of usage or errors.
 */
import { isJson } from './content.ts';
import { objectOf, parsedObject, textOf } from './json.ts';
import { errorMessage, type Observed, UNSEEN } from './observe.ts';
import type { ResponseHeaders } from './port.ts';
import { createEventReader } from './sse.ts';
import { readUsage, type Usage } from './usage.ts';
import { concatenated } from './whole-lines.ts';

export interface UsageTap {
  push(chunk: Uint8Array): void;
  /** Whether the upstream said that its stream is whole. */
  finished(): boolean;
  /** Whether it is a stream of a kind that says when it is whole, and this one has not. */
  cutShort(): boolean;
  /** What the upstream said where an event of its stream was an error, else null. */
  error(): string | null;
  /** What has been seen so far; null where there is nothing to price or to name. */
  observed(): Observed | null;
}

/** An answer up to this size is read whole; of a longer one so much of either end, where `usage` stands. */
const MOST_WHOLE = 256 * 1024;
const END = 16 * 1024;

/** Events that end a stream of responses. */
const LAST_EVENTS = new Set(['response.completed', 'response.incomplete', 'response.failed', 'response.cancelled']);

/** Usage, errors, ends, and choices, each of which ends by itself; every other event is not even parsed. */
const SPEAKS_OF = /"usage"|"error"|"choices"|"response\.(completed|incomplete|failed|cancelled)"/;
/** Events of responses and of completions, whose streams end with one that says so, a reason for each choice, or [DONE]. */
const SAYS_ITS_END = /"type"\s*:\s*"response\.|"object"\s*:\s*"(text_completion|chat\.completion\.chunk)"/;

/** `streams`: whether the answer is a stream of events. */
export function createUsageTap(headers: ResponseHeaders, streams: boolean): UsageTap | null {
  if (streams) return tapStream();
  return isJson(headers['content-type']) ? tapWhole() : null;
}

function tapStream(): UsageTap {
  let usage: Usage | null = null;
  let id: string | null = null;
  let model: string | null = null;
  let error: string | null = null;
  let finished = false;
  let saysItsEnd = false;
  const choices = new Set<unknown>();
  const finishedChoices = new Set<unknown>();
  const reader = createEventReader((data) => {
    if (data === '[DONE]') finished = true;
    else if (SPEAKS_OF.test(data)) read(parsedObject(data));
    saysItsEnd ||= SAYS_ITS_END.test(data);
  });
  const read = (event: Readonly<Record<string, unknown>> | null): void => {
    if (!event) return;
    const response = objectOf(event.response);
    usage = readAnyUsage(response?.usage ?? event.usage) ?? usage;
    id ??= textOf(response?.id ?? event.id);
    model ??= textOf(response?.model ?? event.model);
    if (LAST_EVENTS.has(event.type as string)) finished = true;
    for (const choice of Array.isArray(event.choices) ? event.choices : []) {
      const { index = 0, finish_reason: reason } = objectOf(choice) ?? {};
      choices.add(index);
      if (typeof reason === 'string') finishedChoices.add(index);
    }
    const failed = event.type === 'error' ? (event.error ?? event) : (event.error ?? response?.error);
    if (failed) error ??= errorMessage(failed);
  };
  const isFinished = (): boolean => finished || (choices.size > 0 && finishedChoices.size === choices.size);
  return {
    push: (chunk) => reader.push(chunk),
    finished: isFinished,
    cutShort: () => saysItsEnd && !isFinished() && error === null,
    error: () => error,
    observed: () => observed(id, model, usage, error),
  };
}

function tapWhole(): UsageTap {
  let head: Uint8Array | null = null;
  let parts: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      // A copy, since the platform may reuse the chunk's memory.
      parts.push(chunk.slice());
      size += chunk.length;
      if (size <= MOST_WHOLE) return;
      const kept = concatenated(parts);
      head ??= kept.slice(0, END);
      parts = [kept.slice(-END)];
      size = END;
    },
    finished: () => false,
    cutShort: () => false,
    error: () => null,
    observed() {
      const text = decode(parts);
      if (head === null) {
        const answer = parsedObject(text);
        return observed(textOf(answer?.id), textOf(answer?.model), readAnyUsage(answer?.usage), null);
      }
      const usage = readAnyUsage(lastMember(text, 'usage')) ?? readAnyUsage(lastMember(decode([head]), 'usage'));
      return observed(null, null, usage, null);
    },
  };
}

/** Reads `usage` as chat completions, embeddings, responses, images and transcriptions tell it. */
export function readAnyUsage(value: unknown): Usage | null {
  const told = objectOf(value);
  if (told?.input_tokens === undefined) return readUsage(told);
  return readUsage({
    prompt_tokens: told.input_tokens,
    completion_tokens: told.output_tokens,
    prompt_tokens_details: told.input_tokens_details,
  });
}

/** The model's name alone prices nothing and names no answer. */
const observed = (
  completionId: string | null,
  model: string | null,
  usage: Usage | null,
  error: string | null,
): Observed | null =>
  completionId === null && usage === null && error === null ? null : { ...UNSEEN, completionId, model, usage, error };

/** The value of the last member of this name in a piece of JSON that is cut anywhere; null where it is no object. */
function lastMember(text: string, name: string): unknown {
  // Inside a text its quotes would be escaped, so that this is a member's name.
  const found = [...text.matchAll(new RegExp(`"${name}"\\s*:\\s*(?=\\{)`, 'g'))].at(-1);
  if (!found) return null;
  const start = found.index + found[0].length;
  for (let end = text.indexOf('}', start); end > 0; end = text.indexOf('}', end + 1)) {
    const value = parsedObject(text.slice(start, end + 1));
    if (value) return value;
  }
  return null;
}

const decode = (parts: readonly Uint8Array[]): string => new TextDecoder().decode(concatenated(parts));
