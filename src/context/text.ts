/** Reads wire-shaped messages: the words a person wrote last, and what the conversation is made of. */

export interface ContextInput {
  /** OpenAI chat messages. Only their being objects is taken for granted. */
  messages: readonly unknown[];
  tools?: readonly unknown[] | undefined;
  response_format?: unknown;
}

export interface Conversation {
  /** What the person wrote, the latest last: at most `READ_LIMIT` characters, cut in the middle of long messages. */
  asked: string;
  userMessages: number;
  assistantMessages: number;
  toolMessages: number;
  systemCharacters: number;
  /** All messages' text. */
  characters: number;
  images: number;
  tools: number;
  toolCharacters: number;
  wantsJson: boolean;
}

/** Characters of what was asked that are looked at: the task is told at the start, the question often at the end. */
const READ_LIMIT = 6000;

interface Message {
  role?: unknown;
  content?: unknown;
}

export function readConversation(input: ContextInput): Conversation {
  const seen: Conversation = {
    asked: '',
    userMessages: 0,
    assistantMessages: 0,
    toolMessages: 0,
    systemCharacters: 0,
    characters: 0,
    images: 0,
    tools: input.tools?.length ?? 0,
    toolCharacters: input.tools?.length ? charactersOf(input.tools) : 0,
    wantsJson: typeOf(input.response_format)?.startsWith('json') ?? false,
  };
  const asked: string[] = [];
  let room = READ_LIMIT;
  for (let i = input.messages.length - 1; i >= 0; i--) {
    const { role, content } = (input.messages[i] ?? {}) as Message;
    const text = textOf(content);
    seen.characters += text.length;
    if (typeof content === 'object') seen.images += imagesIn(content);
    if (role === 'assistant') seen.assistantMessages++;
    else if (role === 'tool' || role === 'function') seen.toolMessages++;
    else if (role === 'system' || role === 'developer') seen.systemCharacters += text.length;
    else {
      seen.userMessages++;
      if (room > 0 && text.length > 0) asked.push(shortened(text, room));
      room -= text.length;
    }
  }
  seen.asked = asked.length === 1 ? asked[0]! : asked.reverse().join('\n');
  return seen;
}

/** A message's text: a string, or the text parts of an array. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  let text = '';
  for (const part of content) if (typeof part?.text === 'string') text += text === '' ? part.text : `\n${part.text}`;
  return text;
}

export function imagesIn(content: unknown): number {
  if (!Array.isArray(content)) return 0;
  let images = 0;
  for (const part of content) if (part?.type === 'image_url') images++;
  return images;
}

/** About the length of a JSON value's text, without making the text. */
export function charactersOf(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length + 3;
  if (typeof value !== 'object' || value === null || depth > 20) return 5;
  let characters = 2;
  if (Array.isArray(value)) for (const item of value) characters += charactersOf(item, depth + 1);
  else
    for (const key in value)
      characters += key.length + 4 + charactersOf((value as Record<string, unknown>)[key], depth + 1);
  return characters;
}

const shortened = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, room * 0.6)}\n${text.slice(text.length - room * 0.4)}`;

function typeOf(value: unknown): string | null {
  const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : null;
  return typeof type === 'string' ? type : null;
}
