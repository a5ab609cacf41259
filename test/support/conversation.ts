/** Conversations as a story tells them: who sends what, what is answered, and what each answer must have got by the end. */
import { answer, type FakeUpstream, fail, piece, type Script, sse, stream } from './fake-upstream.ts';
import { decisionOf, type TestGateway } from './gateway.ts';

export interface Message {
  role: string;
  content: unknown;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
}

export interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** What a later request may say of an answer, and that an agent came back with what its tools gave. */
export const VERDICTS = ['continued', 'regenerated', 'rephrased', 'corrected', 'resumed'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** A text, calls of tools, or a failure: of every arm before the first byte, or in the middle of the stream. */
export type Answer = string | { calls: readonly ToolCall[] } | { fails: number } | { drops: string };

/** What a person, or an agent, does next. */
type Move =
  /** Goes on from the answer. */
  | { says: unknown }
  /** Sends the same messages again. */
  | { again: true }
  /** Puts other words in the last question's place; the answer is dropped. */
  | { rewords: unknown }
  /** Sends what the tools that were called gave, in the order of the calls. */
  | { returns: readonly string[] };

export type Turn = Move & {
  answer?: Answer;
  /** The turn, counted from 0, that this one follows, as where somebody goes far back; null: a conversation of its own. */
  after?: number | null;
  /** The verdict that this turn's answer must have got by the end; left out: none. */
  gets?: Verdict;
  as?: Person;
  stream?: boolean;
  headers?: Readonly<Record<string, string>>;
};

export interface Person {
  key?: string;
  user?: string;
  safety_identifier?: string;
  session?: string;
}

export interface Conversation {
  name: string;
  system?: string;
  /** Left out: somebody whom nobody else is. */
  as?: Person;
  /** How the client sends the history: it may leave out some of it, or write it anew. */
  client?(messages: readonly Message[], turn: number): Message[];
  turns: readonly Turn[];
}

/** Nobody in particular: a key alone. */
export const NOBODY: Person = {};

/** Plays it, one request after the other, and gives the decisions' ids. */
export async function play(
  conversation: Conversation,
  gateway: TestGateway,
  upstream: FakeUpstream,
): Promise<readonly string[]> {
  const { system, turns, client = (messages) => [...messages] } = conversation;
  const person = conversation.as ?? { user: conversation.name };
  const usesTools = turns.some((turn) => typeof turn.answer === 'object' && 'calls' in turn.answer);
  /** Of each turn, what was asked: the whole history, however the client sent it. */
  const asked: Message[][] = [];
  const answered: Message[] = [];
  const ids: string[] = [];
  for (const [index, turn] of turns.entries()) {
    const { after = index === 0 ? null : index - 1, answer: given = 'Here it is.' } = turn;
    const before =
      after === null
        ? { asked: system === undefined ? [] : [{ role: 'system', content: system }], answered: [] }
        : { asked: asked[after] as Message[], answered: [answered[after] as Message] };
    const messages = nextMessages(turn, before);
    upstream.scripts.set('*', scriptOf(given));
    const body = { stream: turn.stream ?? false, ...(usesTools && { tools: TOOLS }) };
    const { text, id } = await send(gateway, client(messages, index), turn.as ?? person, body, turn.headers);
    if (typeof given === 'string' && !text.includes('"finish_reason":"stop"')) throw new Error(`not answered: ${text}`);
    asked.push(messages);
    answered.push(asMessage(given));
    ids.push(id);
  }
  return ids;
}

function nextMessages(move: Move, before: { asked: readonly Message[]; answered: readonly Message[] }): Message[] {
  const { asked, answered } = before;
  if ('says' in move) return [...asked, ...answered, { role: 'user', content: move.says }];
  if ('again' in move) return [...asked];
  if ('rewords' in move) {
    const last = asked.findLastIndex(({ role }) => role === 'user');
    return [...asked.slice(0, last), { role: 'user', content: move.rewords }];
  }
  const calls = answered.at(-1)?.tool_calls ?? [];
  const results = calls.map(({ id }, i) => ({ role: 'tool', tool_call_id: id, content: move.returns[i] }));
  return [...asked, ...answered, ...results];
}

/** The answer as most clients send it back. */
function asMessage(given: Answer): Message {
  if (typeof given === 'string') return { role: 'assistant', content: given };
  return { role: 'assistant', content: null, ...('calls' in given && { tool_calls: [...given.calls] }) };
}

const TOOLS = [{ type: 'function', function: { name: 'look_up', parameters: { type: 'object' } } }];

/** Sends one request as this person and reads the whole answer. */
export async function send(
  gateway: TestGateway,
  messages: readonly Message[],
  person: Person,
  body: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<{ id: string; status: number; text: string }> {
  const { key = 'key-web', session, ...names } = person;
  const request = { model: 'auto', messages, ...names, ...body };
  const response = await gateway.post('/v1/chat/completions', request, {
    authorization: `Bearer ${key}`,
    ...(session !== undefined && { 'x-conduit-session': session }),
    ...headers,
  });
  // A stream that the upstream has dropped ends with an error event, or with a broken connection.
  const text = await response.text().catch(() => '');
  return { id: response.headers.get('x-conduit-decision') as string, status: response.status, text };
}

/** What the decision has got of the follow-ups, if anything. */
export async function verdictsOf(gateway: TestGateway, id: string): Promise<readonly string[]> {
  const { signals } = await decisionOf(gateway, id, 'key-ops');
  return signals
    .filter(({ signal, source }) => source === 'implicit' && VERDICTS.some((verdict) => verdict === signal))
    .map(({ signal }) => signal);
}

export function scriptOf(given: Answer): Script {
  if (typeof given === 'string') return answer(given);
  if ('fails' in given) return fail(given.fails);
  if ('drops' in given) return stream([piece(given.drops)], 'cut');
  return callTools(given.calls);
}

/** Answers with calls of tools, in a stream or whole, as asked. */
export function callTools(calls: readonly ToolCall[]): Script {
  return (response, { body }) => {
    const head = { id: `chatcmpl-${calls.map(({ id }) => id).join('-')}`, created: 1, model: body.model };
    const end = { index: 0, finish_reason: 'tool_calls' };
    if (!body.stream) {
      const message = { role: 'assistant', content: null, tool_calls: calls };
      const whole = { ...head, object: 'chat.completion', choices: [{ ...end, message }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole));
      return;
    }
    const chunk = (choice: object): string => sse({ ...head, object: 'chat.completion.chunk', choices: [choice] });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [index, call] of calls.entries()) {
      const delta = { tool_calls: [{ index, ...call }] };
      response.write(chunk({ index: 0, delta, finish_reason: null }));
    }
    response.end(`${chunk({ ...end, delta: {} })}data: [DONE]\n\n`);
  };
}
