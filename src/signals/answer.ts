/** Reads from an answer itself, once it has ended, what speaks for or against it. */
import type { ObservedToolCall } from '../upstream/first-choice.ts';
import type { Observed } from '../upstream/observe.ts';
import type { OutcomeKind } from '../upstream/outcome.ts';
import { beginsWithRefusal } from './refusal-phrases.ts';
import { endsInRepetition } from './repetition.ts';
import { fitOf, type Judging, startJudging } from './schema-fit.ts';
import { type Next, SHOWN, type Shown } from './signs.ts';

/** What was expected of the arm for this prompt. */
export interface Expectation {
  outputTokens: number;
  /** To a stream's first event, in milliseconds; of a whole answer 0. */
  firstByteMs: number;
  totalMs: number;
}

/** An answer that has ended, as far as its first choice shows anything. */
export interface AnswerToJudge
  extends Pick<Observed, 'finishReason' | 'message' | 'toolCalls' | 'refused' | 'hasOtherContent' | 'wasCut'> {
  /** Anything but `completed` was cut short. */
  outcome: OutcomeKind;
  totalMs: number;
  /** Told or estimated; null where unknown. */
  outputTokens: number | null;
  /** Null where too little was known of the arm to expect anything. */
  expected: Expectation | null;
}

/** What the request wanted of an answer, each as the client wrote it. */
export interface Asked {
  responseFormat: unknown;
  tools: unknown;
  /** Output tokens that the client itself allowed at most; null where it left that open. */
  outputCap: number | null;
}

export function askedOf(body: Readonly<Record<string, unknown>>): Asked {
  const cap = body.max_completion_tokens ?? body.max_tokens;
  return {
    responseFormat: body.response_format,
    tools: body.tools,
    outputCap: typeof cap === 'number' && cap > 0 ? cap : null,
  };
}

/** Who allows fewer tokens wants a fragment: a label, a title, a sign of life. */
const FRAGMENT_TOKENS = 100;
const LATE_BY = 3;
const LATE_BY_MS = 2000;

/**
 * Each sign that an answer shows, the least grave first, without `fine`. One that was cut short shows only what no cut can
 * fake: what begins like a refusal may have gone on, and what is no JSON yet might have become some.
 */
export function shownSigns(answer: AnswerToJudge, asked: Asked): Exclude<Shown, 'fine'>[] {
  const { finishReason, message, refused } = answer;
  const signs: Exclude<Shown, 'fine'>[] = [];
  const judging = startJudging();
  const isWhole = answer.outcome === 'completed';
  const isCalling = answer.toolCalls.length > 0 || message.toolCallIds.length > 0;
  const isSilent = !isCalling && !refused && !answer.hasOtherContent && !/\S/.test(message.text);
  const isFragment = finishReason === 'length' && asked.outputCap !== null && asked.outputCap < FRAGMENT_TOKENS;
  if (isWhole && isLate(answer)) signs.push('latency');
  if (isWhole && finishReason === 'length' && !isFragment) signs.push('length');
  if (isWhole && hasInvalidCall(answer, asked.tools, judging)) signs.push('invalid_tool_call');
  if (
    isWhole &&
    finishReason === 'stop' &&
    !isCalling &&
    !isSilent &&
    isInvalidJson(answer, asked.responseFormat, judging)
  ) {
    signs.push('invalid_json');
  }
  if (finishReason === 'content_filter') signs.push('content_filter');
  if (refused || (isWhole && !isCalling && beginsWithRefusal(message.text))) signs.push('refusal');
  if (endsInRepetition(message.text)) signs.push('repetition');
  if (isWhole && isSilent && !isFragment) signs.push('empty');
  return signs;
}

/** The one that counts. */
export function gravestOf(signs: readonly Shown[]): Shown {
  const gravity = Math.max(0, ...signs.map((sign) => SHOWN.indexOf(sign)));
  return SHOWN[gravity] as Shown;
}

/** Against what was expected for this length: a long answer takes its time. */
function isLate({ totalMs, outputTokens, expected }: AnswerToJudge): boolean {
  if (expected === null) return false;
  const isScaled = outputTokens !== null && expected.outputTokens > 0;
  const share = isScaled ? outputTokens / expected.outputTokens : 1;
  const expectedMs = Math.max(expected.totalMs * share, expected.firstByteMs);
  return totalMs > LATE_BY * expectedMs && totalMs >= expectedMs + LATE_BY_MS;
}

interface ResponseFormat {
  type?: unknown;
  json_schema?: { schema?: unknown } | null;
}

/** As a client finds out that parses the text: a fence around JSON is none. */
function isInvalidJson(answer: AnswerToJudge, format: unknown, judging: Judging): boolean {
  const { message, refused, hasOtherContent, wasCut } = answer;
  const { type, json_schema } = (format ?? {}) as ResponseFormat;
  if ((type !== 'json_object' && type !== 'json_schema') || refused || hasOtherContent || wasCut) return false;
  const value = parsed(message.text);
  if (value === undefined) return true;
  if (type === 'json_object') return !isObject(value);
  const schema = json_schema?.schema;
  return schema !== undefined && schema !== null && fitOf(value, schema, judging) === 'misfits';
}

const FINISHED_BY_CALLING: readonly unknown[] = ['tool_calls', 'stop', 'function_call'];

/** Calls that are held against their schemas; any more are only read. */
const CALLS_JUDGED = 8;

function hasInvalidCall(answer: AnswerToJudge, tools: unknown, judging: Judging): boolean {
  const { toolCalls, finishReason, wasCut } = answer;
  if (toolCalls.length === 0 || wasCut || !FINISHED_BY_CALLING.includes(finishReason)) return false;
  const known = functionsIn(tools);
  return toolCalls.some((call, i) => isInvalidCall(call, known, i < CALLS_JUDGED ? judging : null));
}

interface Functions {
  /** By name, what its arguments are to fit; undefined where that is not said. */
  parameters: ReadonlyMap<string, unknown>;
  /** Whether there is none beside these: a provider may have tools of its own, whose names are not told. */
  areAll: boolean;
}

function functionsIn(tools: unknown): Functions {
  const parameters = new Map<string, unknown>();
  let areAll = true;
  for (const tool of Array.isArray(tools) ? tools : []) {
    const { name, parameters: given } = (tool?.function ?? {}) as { name?: unknown; parameters?: unknown };
    if (typeof name === 'string') parameters.set(name, given ?? undefined);
    else if (tool?.type !== 'custom') areAll = false;
  }
  return { parameters, areAll };
}

function isInvalidCall(call: ObservedToolCall, { parameters, areAll }: Functions, judging: Judging | null): boolean {
  const { name, arguments: given } = call;
  if (name === null || !parameters.has(name)) return areAll;
  const value = /\S/.test(given) ? parsed(given) : {};
  if (value === undefined) return true;
  const schema = parameters.get(name);
  return judging !== null && schema !== undefined && fitOf(value, schema, judging) === 'misfits';
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined, which no JSON is, where the text is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How far in a client cut an answer short, against what was expected of the arm; midway where nothing was. */
export function progressOf(
  outputTokens: number,
  expectedOutputTokens: number | null,
): Extract<Next, `aborted_${string}`> {
  if (outputTokens <= 0) return 'aborted_early';
  if (expectedOutputTokens === null || expectedOutputTokens <= 0) return 'aborted_midway';
  const share = outputTokens / expectedOutputTokens;
  if (share < 1 / 4) return 'aborted_early';
  return share < 3 / 4 ? 'aborted_midway' : 'aborted_late';
}
