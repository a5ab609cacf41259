/** A chat completion request as it comes over the wire: checked as far as Conduit needs it, and passed on untouched. */
import type { Message } from '../routing/lineage.ts';
import { isNestedDeeper } from '../upstream/body.ts';
import { badRequest } from './errors.ts';

/** Far beyond any conversation, and below what would make work of reading it. */
const MOST_MESSAGES = 10_000;
const MOST_NESTED = 128;

export interface ChatRequest {
  /** The body's text, byte for byte. */
  text: string;
  body: Readonly<Record<string, unknown>>;
  model: string;
  messages: readonly Message[];
  tools: readonly unknown[] | undefined;
  stream: boolean;
}

/** Throws a 400 that names the field, in OpenAI's words where it has some. */
export function readChatRequest(bytes: Uint8Array): ChatRequest {
  const { text, value: body } = readJsonObject(bytes);
  const { model, messages, stream, tools } = body;
  if (typeof model !== 'string' || model === '') {
    throw badRequest(
      'you must provide a model parameter: a router, a model id or a name that a router answers to',
      'model',
    );
  }
  if (messages === undefined)
    throw badRequest("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0) {
    throw badRequest(
      "Invalid 'messages': empty array. Expected an array with minimum length 1.",
      'messages',
      'empty_array',
    );
  }
  if (messages.length > MOST_MESSAGES) {
    throw badRequest(
      `Invalid 'messages': array too long. Expected an array with maximum length ${MOST_MESSAGES}, but got an array with length ${messages.length} instead.`,
      'messages',
      'array_above_max_length',
    );
  }
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!isObject(message)) throw wrongType(at, 'an object', message);
    if (typeof message.role !== 'string') throw wrongType(`${at}.role`, 'a string', message.role);
    const { content } = message;
    if (content !== undefined && content !== null && typeof content !== 'string' && !Array.isArray(content)) {
      throw wrongType(`${at}.content`, 'a string or an array of parts', content);
    }
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw wrongType('stream', 'a boolean', stream);
  if (tools !== undefined && tools !== null && !Array.isArray(tools)) throw wrongType('tools', 'an array', tools);
  return {
    text,
    body,
    model,
    messages: messages as Message[],
    tools: Array.isArray(tools) ? tools : undefined,
    stream: stream === true,
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws a 400 where the bytes are no UTF-8, no JSON or no object. */
export function readJsonObject(bytes: Uint8Array): { text: string; value: Record<string, unknown> } {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw badRequest('The body is not valid UTF-8.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`The body is not valid JSON: ${(error as Error).message.slice(0, 120)}`);
  }
  if (!isObject(value)) throw badRequest('The body must be a JSON object.');
  if (isNestedDeeper(text, MOST_NESTED)) throw badRequest(`The body is nested more than ${MOST_NESTED} deep.`);
  return { text, value };
}

function wrongType(param: string, wanted: string, value: unknown): Error {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return badRequest(
    `Invalid type for '${param}': expected ${wanted}, but got ${value === undefined ? 'nothing' : got}.`,
    param,
    'invalid_type',
  );
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
