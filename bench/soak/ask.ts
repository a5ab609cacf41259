/** Sends one request and says how it ended, reading what comes as a wary client would. */
import { type Connection, openConnection, type ResponseHead } from './connection.ts';
import { chunkWord } from './directive.ts';
import type { ChatPlan, Ending, PlainRequest } from './plan.ts';

/** Longer than every limit of the gateway's together: what has not ended by then never will. */
const HUNG_MS = 40_000;
const PAUSE_MS = 1_500;

export interface Answer {
  ending: Ending;
  /** Where it is wrong: how. */
  wrong: string | null;
  head: ResponseHead | null;
  /** The text that came, of a stream or a whole answer. */
  text: string;
  /** A body that is no stream's. */
  body: string;
  chunks: number;
}

/** One client: its connection is kept and used again as long as the server lets it. */
export interface Client {
  chat(plan: ChatPlan, body: string, headers: Readonly<Record<string, string>>): Promise<Answer>;
  ask(request: PlainRequest, key: string | null): Promise<Answer>;
  close(): void;
}

export function createClient(port: number): Client {
  let connection: Connection | null = null;
  const connected = (): Connection => {
    if (!connection?.usable()) connection = openConnection(port);
    return connection;
  };
  return {
    chat: (plan, body, headers) => {
      const bytes = requestBytes('POST', '/v1/chat/completions', headers, body);
      return exchange(connected(), bytes, createChatReader(plan), plan);
    },
    ask: (request, key) => {
      const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` };
      const leavesHalfway = request.status === null;
      const bytes = requestBytes(request.method, request.path, headers, request.body, leavesHalfway ? 100 : 0);
      return exchange(connected(), bytes, createBodyReader(request), leavesHalfway ? LEAVES_HALFWAY : STAYS);
    },
    close: () => connection?.leave(),
  };
}

/** `missing` bytes of the body are announced and never sent. */
function requestBytes(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | null,
  missing = 0,
): Buffer {
  const bytes = Buffer.from(body ?? '');
  const lines = Object.entries({
    host: 'soak',
    ...headers,
    ...(body !== null && { 'content-type': 'application/json', 'content-length': String(bytes.length + missing) }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes]);
}

type Manners = Pick<ChatPlan, 'behaviour' | 'leavesAfterMs'>;
const STAYS: Manners = { behaviour: 'reads', leavesAfterMs: 0 };
const LEAVES_HALFWAY: Manners = { behaviour: 'leaves-before', leavesAfterMs: 2 };

interface Reader {
  head(head: ResponseHead): void;
  data(bytes: Buffer): void;
  chunks(): number;
  /** What it comes to, once everything has come, or `left` by a client that would have no more. */
  answer(left: boolean): Omit<Answer, 'head'>;
}

function exchange(connection: Connection, bytes: Buffer, reader: Reader, manners: Manners): Promise<Answer> {
  const { behaviour, leavesAfterMs } = manners;
  return new Promise((resolve) => {
    let head: ResponseHead | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let pausing: ReturnType<typeof setTimeout> | undefined;
    const end = (answer: Omit<Answer, 'head'>): void => {
      clearTimeout(hung);
      clearTimeout(timer);
      clearTimeout(pausing);
      resolve({ ...answer, head });
    };
    const wrong = (why: string): void => end({ ...reader.answer(true), ending: 'wrong', wrong: why });
    const leave = (): void => {
      connection.leave();
      end(reader.answer(true));
    };
    const hung = setTimeout(() => {
      connection.leave();
      wrong(`hung for ${HUNG_MS} ms`);
    }, HUNG_MS);
    if (behaviour === 'leaves-before' || behaviour === 'leaves-anytime') timer = setTimeout(leave, leavesAfterMs);
    connection.send(bytes, {
      head(received) {
        head = received;
        reader.head(received);
        if (behaviour === 'pauses') {
          connection.pause();
          pausing = setTimeout(() => connection.resume(), PAUSE_MS);
        }
      },
      data(piece) {
        reader.data(piece);
        if (behaviour === 'leaves-midway' && reader.chunks() > 0) setImmediate(leave);
      },
      end: () => end(reader.answer(false)),
      failed: wrong,
    });
  });
}

/** Reads an answer that has no chunks: an error, a list, a decision. */
function createBodyReader(request: Pick<PlainRequest, 'status'>): Reader {
  const pieces: Buffer[] = [];
  let status = 0;
  return {
    head: (head) => {
      status = head.status;
    },
    data: (bytes) => pieces.push(bytes),
    chunks: () => 0,
    answer(left) {
      const body = Buffer.concat(pieces).toString();
      const rest = { text: '', body, chunks: 0 };
      if (left) return { ...rest, ending: request.status === null ? 'left' : 'wrong', wrong: null };
      if (status !== request.status)
        return {
          ...rest,
          ending: 'wrong',
          wrong: `status ${status} instead of ${request.status}: ${body.slice(0, 200)}`,
        };
      const why = status >= 400 ? whyNoError(body) : jsonOf(body) === null ? 'no JSON' : null;
      if (why !== null) return { ...rest, ending: 'wrong', wrong: why };
      return { ...rest, ending: status >= 400 ? 'error' : 'whole', wrong: null };
    },
  };
}

/** Reads a completion: each of its chunks must be this request's own, in order, and none missing. */
function createChatReader(plan: ChatPlan): Reader {
  const pieces: Buffer[] = [];
  const decoder = new TextDecoder();
  let status = 0;
  let streams = false;
  let line = '';
  let text = '';
  let chunks = 0;
  let finished = false;
  let done = false;
  let told = false;
  let wrong: string | null = null;
  let usageSeen = 0;

  const fail = (why: string): void => {
    wrong ??= why;
  };

  const readWords = (content: string): void => {
    text += content.replace(/x+/g, '');
    for (const word of content.split(' ')) {
      if (word === '') continue;
      const expected = chunkWord(plan.nonce, chunks);
      if (word.replace(/x+$/, '') !== expected) fail(`chunk ${word.slice(0, 40)} where ${expected} was due`);
      chunks++;
    }
  };

  const readEvent = (data: string): void => {
    if (done) fail('an event behind [DONE]');
    if (told) fail('an event behind the error');
    if (data === '[DONE]') {
      done = true;
      return;
    }
    const event = jsonOf(data) as StreamEvent | null;
    if (event === null) {
      if (plan.fault !== 'garbage-between' && plan.fault !== 'garbage-only') fail(`no JSON: ${data.slice(0, 80)}`);
      return;
    }
    if (event.error) {
      told = true;
      if (typeof event.error.message !== 'string') fail('an error event without a message');
      return;
    }
    if ('usage' in event) usageSeen++;
    const choice = event.choices?.[0];
    if (typeof choice?.delta?.content === 'string') readWords(choice.delta.content);
    if (choice?.finish_reason) finished = true;
  };

  const readLines = (piece: string): void => {
    const lines = (line + piece).split('\n');
    line = lines.pop() as string;
    for (const one of lines) if (one.startsWith('data: ')) readEvent(one.slice(6));
  };

  const streamEnding = (): Ending => {
    if (told) return finished || done ? 'wrong' : 'broken';
    if (done || (finished && plan.fault === 'no-done')) return 'whole';
    fail('the stream ended without [DONE] and without an error');
    return 'wrong';
  };

  const wholeEnding = (): Ending => {
    const body = Buffer.concat(pieces).toString();
    if (status >= 400) {
      const why = whyNoError(body);
      if (why !== null) fail(why);
      return 'error';
    }
    const answer = jsonOf(body) as { choices?: { message?: { content?: string } }[] } | null;
    const content = answer?.choices?.[0]?.message?.content;
    if (content === undefined) fail(`no completion: ${body.slice(0, 100)}`);
    else readWords(content);
    return 'whole';
  };

  return {
    head(head) {
      status = head.status;
      streams = head.headers.get('content-type')?.startsWith('text/event-stream') === true;
      if (head.headers.get('x-conduit-decision') === undefined) fail(`status ${status} without a decision`);
    },
    data(bytes) {
      if (streams) readLines(decoder.decode(bytes, { stream: true }));
      else pieces.push(bytes);
    },
    chunks: () => chunks,
    answer(left) {
      let ending: Ending = left ? 'left' : streams ? streamEnding() : wholeEnding();
      if (ending === 'whole' && chunks !== plan.chunks) fail(`${chunks} chunks of ${plan.chunks}`);
      if (ending === 'whole' && streams !== plan.stream) fail('a stream where none was asked for, or the reverse');
      if (streams && usageSeen > 0 && !plan.usage) fail('usage that the client did not ask for');
      if (ending === 'whole' && streams && plan.usage && usageSeen === 0) fail('no usage, though asked for');
      if (wrong !== null) ending = 'wrong';
      const body = streams ? '' : Buffer.concat(pieces).toString();
      return { ending, wrong, text, body, chunks };
    },
  };
}

interface StreamEvent {
  error?: { message?: unknown };
  usage?: unknown;
  choices?: { delta?: { content?: unknown }; finish_reason?: string | null }[];
}

/** Why this is not an error in OpenAI's shape; null where it is. */
function whyNoError(body: string): string | null {
  const error = (jsonOf(body) as { error?: Record<string, unknown> } | null)?.error;
  if (!error || typeof error !== 'object') return `no error in OpenAI's shape: ${body.slice(0, 100)}`;
  if (typeof error.message !== 'string' || typeof error.type !== 'string') return 'an error without message or type';
  return 'param' in error && 'code' in error ? null : 'an error without param or code';
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
