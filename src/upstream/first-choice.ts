/** Keeps what an answer's first choice says, as it comes in pieces or at once: its text, and the functions it calls. */
import { objectOf } from './json.ts';

/** The answer as the client will send it back in its next request, as far as lineage needs it. */
export interface AnswerMessage {
  text: string;
  toolCallIds: readonly string[];
}

/** A function that the answer calls, its arguments as the text that came. */
export interface ObservedToolCall {
  id: string | null;
  name: string | null;
  arguments: string;
}

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

interface Begun {
  call: ObservedToolCall;
  /** The last character of its arguments, since to look there would put all pieces together each time. */
  ending: string;
}

/** Text, names, ids and arguments together are kept up to `room` characters. */
export function createFirstChoice(room: number): FirstChoice {
  const pieces: string[] = [];
  let textKept = 0;
  let calls: Begun[] = [];
  let callsKept = 0;
  const byIndex = new Map<number, Begun>();
  const byId = new Map<string, Begun>();
  const toolCallIds = new Set<string>();
  let idsKept = 0;
  let refused = false;
  let hasOtherContent = false;
  let wasCut = false;

  const addText = (text: string): void => {
    const left = room - textKept - idsKept;
    if (text.length > left) wasCut = true;
    const piece = text.slice(0, left);
    if (piece === '') return;
    pieces.push(piece);
    textKept += piece.length;
    // The words go first: lineage needs them, and calls that are not whole say nothing.
    if (textKept + idsKept + callsKept > room) forgetCalls();
  };

  const forgetCalls = (): void => {
    calls = [];
    byIndex.clear();
    byId.clear();
    callsKept = 0;
    wasCut = true;
  };

  /** Whether so many characters more of calls can be kept; where they cannot, none are. */
  const hasRoomFor = (characters: number): boolean => {
    if (textKept + idsKept + callsKept + characters > room) forgetCalls();
    else callsKept += characters;
    return !wasCut;
  };

  /** Some providers repeat a call's id with each piece of its arguments, and others make up one for each. */
  const keepId = (id: string): void => {
    if (toolCallIds.has(id)) return;
    if (textKept + idsKept + id.length > room) {
      forgetCalls();
      return;
    }
    toolCallIds.add(id);
    idsKept += id.length;
    if (textKept + idsKept + callsKept > room) forgetCalls();
  };

  const addCall = (call: ToolCall, position: number): void => {
    const id = textIn(call.id);
    if (id !== null) keepId(id);
    if (call.type === 'custom' || call.custom) hasOtherContent = true;
    else if (!wasCut) addFunction(call, id, position);
  };

  const addFunction = (call: ToolCall, id: string | null, position: number): void => {
    const name = textIn(call.function?.name);
    const given = textIn(call.function?.arguments) ?? '';
    const index = typeof call.index === 'number' ? call.index : null;
    const before = index !== null ? byIndex.get(index) : lastOf(id, position);
    if (before && !beginsAnother(before, id, name, given)) {
      const newName = before.call.name === null ? name : null;
      if (!hasRoomFor(given.length + (newName?.length ?? 0))) return;
      before.call.name ??= newName;
      if (id !== null && before.call.id === null) {
        before.call.id = id;
        byId.set(id, before);
      }
      before.call.arguments += given;
      before.ending = given.at(-1) ?? before.ending;
      return;
    }
    if (id === null && name === null && given === '') return;
    // One more, so that no number of empty calls can make memory grow.
    if (!hasRoomFor(given.length + (name?.length ?? 0) + 1)) return;
    const begun = { call: { id, name, arguments: given }, ending: given.at(-1) ?? '' };
    calls.push(begun);
    if (index !== null) byIndex.set(index, begun);
    if (id !== null) byId.set(id, begun);
  };

  /** The call that a piece without an index goes on with. */
  const lastOf = (id: string | null, position: number): Begun | undefined => {
    if (id !== null) return byId.get(id);
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
      message: { text: pieces.join(''), toolCallIds: [...toolCallIds] },
      toolCalls: calls.map(({ call }) => call),
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
function beginsAnother({ call, ending }: Begun, id: string | null, name: string | null, given: string): boolean {
  if (name === null) return false;
  if (id !== null && call.id !== null) return id !== call.id;
  return ending === '}' && given.startsWith('{');
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
