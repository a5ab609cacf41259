/** Keeps what an answer's first choice says, as it comes in pieces or at once: its text, and the functions it calls. */
import { objectOf } from './json.ts';
import type { AnswerMessage, ObservedToolCall } from './observe.ts';

// What an upstream sends is taken for nothing: each of these may in truth be of any type.

interface ToolCall {
  index?: unknown;
  id?: unknown;
  type?: unknown;
  function?: { name?: unknown; arguments?: unknown } | null;
  custom?: unknown;
}

/** A whole message, or a piece of one. */
export interface Written {
  content?: unknown;
  reasoning_content?: unknown;
  refusal?: unknown;
  tool_calls?: unknown;
  function_call?: unknown;
  audio?: unknown;
  images?: unknown;
}

export interface SeenOfChoice {
  message: AnswerMessage;
  toolCalls: readonly ObservedToolCall[];
  refused: boolean;
  hasOtherContent: boolean;
  wasCut: boolean;
}

export interface FirstChoice {
  /** Takes the next piece, or the whole message as the only one. */
  add(written: Written): void;
  seen(): SeenOfChoice;
}

/** Text, names, ids and arguments together are kept up to `room` characters. */
export function createFirstChoice(room: number): FirstChoice {
  const pieces: string[] = [];
  let textKept = 0;
  let calls: ObservedToolCall[] = [];
  let callsKept = 0;
  let byIndex: Map<number, ObservedToolCall> | null = null;
  const toolCallIds: string[] = [];
  let refused = false;
  let hasOtherContent = false;
  let wasCut = false;

  const addText = (text: string): void => {
    if (textKept + text.length > room) wasCut = true;
    const piece = text.slice(0, room - textKept);
    if (piece === '') return;
    pieces.push(piece);
    textKept += piece.length;
    // The words go first: lineage needs them, and calls that are not whole say nothing.
    if (textKept + callsKept > room) forgetCalls();
  };

  const forgetCalls = (): void => {
    calls = [];
    byIndex = null;
    callsKept = 0;
    wasCut = true;
  };

  /** Whether so many characters more of calls can be kept; where they cannot, none are. */
  const hasRoomFor = (characters: number): boolean => {
    if (textKept + callsKept + characters > room) forgetCalls();
    else callsKept += characters;
    return !wasCut;
  };

  const addCall = (call: ToolCall, position: number): void => {
    const id = textIn(call.id);
    // Some providers repeat a call's id with each piece of its arguments.
    if (id !== null && !toolCallIds.includes(id)) toolCallIds.push(id);
    if (call.type === 'custom' || call.custom) hasOtherContent = true;
    else if (!wasCut) addFunction(call, id, position);
  };

  const addFunction = (call: ToolCall, id: string | null, position: number): void => {
    const name = textIn(call.function?.name);
    const given = textIn(call.function?.arguments) ?? '';
    const index = typeof call.index === 'number' ? call.index : null;
    const before = index !== null ? byIndex?.get(index) : lastOf(id, position);
    if (before && !beginsAnother(before, id, name, given)) {
      const newName = before.name === null ? name : null;
      const newId = before.id === null ? id : null;
      if (!hasRoomFor(given.length + (newName?.length ?? 0) + (newId?.length ?? 0))) return;
      before.name ??= newName;
      before.id ??= newId;
      before.arguments += given;
      return;
    }
    if (id === null && name === null && given === '') return;
    // One more, so that no number of empty calls can make memory grow.
    if (!hasRoomFor(given.length + (name?.length ?? 0) + (id?.length ?? 0) + 1)) return;
    const begun = { id, name, arguments: given };
    calls.push(begun);
    if (index !== null) {
      byIndex ??= new Map();
      byIndex.set(index, begun);
    }
  };

  /** The call that a piece without an index goes on with. */
  const lastOf = (id: string | null, position: number): ObservedToolCall | undefined => {
    if (id !== null) return calls.findLast((call) => call.id === id);
    // Two in one piece are two calls.
    return position === 0 ? calls.at(-1) : undefined;
  };

  return {
    add(written) {
      const { content, refusal, tool_calls } = written;
      if (typeof content === 'string') addText(content);
      else if (content) hasOtherContent = true;
      if (typeof refusal === 'string' && refusal !== '') refused = true;
      if (written.audio || written.images || written.function_call) hasOtherContent = true;
      if (Array.isArray(tool_calls)) {
        for (const [position, call] of tool_calls.entries()) if (objectOf(call)) addCall(call, position);
      }
    },
    seen: () => ({
      message: { text: pieces.join(''), toolCallIds },
      toolCalls: calls,
      refused,
      hasOtherContent,
      wasCut,
    }),
  };
}

/**
 * Whether a piece that would go on with a call begins another one instead: some providers give all calls one index, or
 * none. A new id alone does not, since others make one up for each piece.
 */
function beginsAnother(before: ObservedToolCall, id: string | null, name: string | null, given: string): boolean {
  if (name === null) return false;
  if (id !== null && before.id !== null) return id !== before.id;
  return before.arguments.endsWith('}') && given.startsWith('{');
}

const textIn = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** Characters of all that the model wrote in a message or a piece of one. */
export function lengthOf(written: Written | null | undefined): number {
  if (!written) return 0;
  const { content, reasoning_content, refusal, tool_calls } = written;
  let length = 0;
  if (typeof content === 'string') length += content.length;
  if (typeof reasoning_content === 'string') length += reasoning_content.length;
  if (typeof refusal === 'string') length += refusal.length;
  if (Array.isArray(tool_calls)) {
    for (const call of tool_calls as (ToolCall | null)[]) {
      const given = call?.function?.arguments;
      if (typeof given === 'string') length += given.length;
    }
  }
  return length;
}
