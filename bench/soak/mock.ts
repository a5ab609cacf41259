/** The faulty upstream, a process of its own: answers as the prompt's directive says. Tells its port and state over IPC. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chunkWord, type Directive, type Fault, readDirective } from './directive.ts';

export interface UpstreamState {
  sockets: number;
  /** Requests whose answer has neither ended nor been cut off. */
  open: number;
  arrived: number;
  /** Numbers of the requests that were held until the client went. */
  held: number[];
  /** Those of them whose connection was closed from the other side. */
  left: number[];
  /** What reached the upstream and must not have. */
  leaks: string[];
}

interface Answering {
  directive: Directive;
  attempt: number;
  stream: boolean;
  usage: boolean;
  response: ServerResponse;
}

const HUGE = 'x'.repeat(400_000);
const PACE_MS = 2;
const state: UpstreamState = { sockets: 0, open: 0, arrived: 0, held: [], left: [], leaks: [] };

/** How often each request has been tried; the oldest are forgotten, long after their end. */
const attempts = new Map<number, number>();
const ATTEMPTS_KEPT = 10_000;

const server = createServer(async (request, response) => {
  state.open++;
  state.arrived++;
  response.once('close', () => state.open--);
  let body = '';
  request.setEncoding('utf8');
  // A caller that goes while it sends is one of the things to be borne.
  request.on('error', () => {});
  try {
    for await (const piece of request) body += piece;
  } catch {
    return;
  }
  noteLeaks(request);
  const directive = readDirective(body);
  if (directive) answer(directive, body, response);
  else response.writeHead(400).end('{"error":{"message":"no directive"}}');
});
server.on('connection', (socket) => {
  state.sockets++;
  socket.setNoDelay(true);
  socket.once('close', () => state.sockets--);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('message', () => process.send?.(state));
process.on('disconnect', () => process.exit(0));

function noteLeaks({ headers }: IncomingMessage): void {
  if (state.leaks.length >= 10) return;
  for (const name of Object.keys(headers)) if (name.startsWith('x-conduit')) state.leaks.push(name);
  const { authorization } = headers;
  if (authorization !== undefined && !authorization.startsWith('Bearer provider-')) state.leaks.push('authorization');
}

function answer(directive: Directive, body: string, response: ServerResponse): void {
  const attempt = (attempts.get(directive.nonce) ?? 0) + 1;
  attempts.set(directive.nonce, attempt);
  if (attempts.size > ATTEMPTS_KEPT) attempts.delete(attempts.keys().next().value as number);
  const wanted = JSON.parse(body) as { stream?: boolean; stream_options?: { include_usage?: boolean } };
  const stream = wanted.stream === true;
  const fault: Fault = attempt > directive.times ? 'none' : directive.fault;
  const usage = wanted.stream_options?.include_usage === true;
  BEHAVIOURS[fault]({ directive, attempt, stream, usage, response });
}

const BEHAVIOURS: Readonly<Record<Fault, (answering: Answering) => void>> = {
  none: (a) => sendAll(a, [...pieces(a), ...ending(a)]),
  paced: (a) => sendAll(a, [...pieces(a), ...ending(a)], PACE_MS),
  'garbage-between': (a) =>
    sendAll(a, a.stream ? [...pieces(a).flatMap((piece) => [piece, GARBAGE]), ...ending(a)] : pieces(a)),
  'comments-first': (a) => sendAll(a, a.stream ? [': ping\n\n', ': ping\n\n', ...pieces(a), ...ending(a)] : pieces(a)),
  'no-done': (a) => sendAll(a, a.stream ? [...pieces(a), ...ending(a).slice(0, -1)] : pieces(a)),
  huge: (a) => sendAll(a, [...pieces(a, HUGE), ...ending(a)]),
  'huge-many': (a) => sendAll(a, [...pieces(a, HUGE), ...ending(a)]),
  // A byte each.
  tiny: (a) => sendAll(a, [...pieces(a), ...ending(a)].join('').split('')),

  reset: ({ response }) => response.socket?.resetAndDestroy(),
  stall: () => {},
  'stall-after-headers': (a) => begin(a).flushHeaders(),
  'status-500': ({ response }) => sendError(response, 500, {}),
  'status-429': ({ response }) => sendError(response, 429, { 'retry-after': '1' }),
  'status-503': ({ response }) => sendError(response, 503, { 'retry-after': '1' }),
  html: ({ response }) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html><h1>Welcome</h1></html>'),
  empty: (a) => begin(a).end(),
  'garbage-only': (a) => begin(a).end(GARBAGE),
  'error-first': (a) => begin(a).end(a.stream ? `data: ${ERROR}\n\n` : ERROR),

  'reset-midway': (a) => sendSome(a, () => a.response.socket?.resetAndDestroy()),
  'stall-midway': (a) => sendSome(a, () => {}),
  'cut-short': (a) => sendSome(a, () => a.response.end()),
  'error-midway': (a) => sendSome(a, () => a.response.end(a.stream ? `data: ${ERROR}\n\n` : ERROR)),

  hold: (a) => watchLeaving(a),
  'hold-midway': (a) => {
    watchLeaving(a);
    sendSome(a, () => {});
  },
};

const ERROR = JSON.stringify({
  error: { message: 'overloaded', type: 'server_error', param: null, code: 'overloaded' },
});
const GARBAGE = 'data: {"choices":[{"delta":{"content":\n\nwhat: is this\n:\ndata\n\n';

function begin({ response, stream }: Answering): ServerResponse {
  return response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
}

function sendError(response: ServerResponse, status: number, headers: Record<string, string>): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(ERROR);
}

/** An answer's text: as many events as the directive asks for, or one body. */
function pieces(answering: Answering, padding = ''): string[] {
  const { directive, stream } = answering;
  const words = Array.from({ length: directive.chunks }, (_, i) => `${chunkWord(directive.nonce, i)}${padding} `);
  if (stream) return words.map((content) => event(answering, { content }, null));
  const message = { role: 'assistant', content: words.join('') };
  return [
    JSON.stringify({
      ...base(answering),
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: usageOf(answering),
    }),
  ];
}

/** What follows a stream's text, `[DONE]` last. */
function ending(answering: Answering): string[] {
  if (!answering.stream) return [];
  const last = { ...base(answering), choices: [], usage: usageOf(answering) };
  return [
    event(answering, {}, 'stop'),
    ...(answering.usage ? [`data: ${JSON.stringify(last)}\n\n`] : []),
    'data: [DONE]\n\n',
  ];
}

function event(answering: Answering, delta: object, finish_reason: string | null): string {
  const choices = [{ index: 0, delta, finish_reason }];
  const usage = answering.usage ? { usage: null } : {};
  return `data: ${JSON.stringify({ ...base(answering), choices, ...usage })}\n\n`;
}

const base = ({ directive, attempt }: Answering): object => ({
  id: `chatcmpl-${directive.nonce}-${attempt}`,
  object: 'chat.completion.chunk',
  created: 1_764_000_000,
  model: 'mock',
});

const usageOf = ({ directive }: Answering): object => ({
  prompt_tokens: 20,
  completion_tokens: directive.chunks,
  total_tokens: 20 + directive.chunks,
});

/** Each piece in a write of its own. */
function sendAll(answering: Answering, parts: readonly string[], everyMs?: number): void {
  const { response } = answering;
  begin(answering);
  writeEach(response, parts, () => response.end(), everyMs);
}

/** The first half of the answer, and then what goes wrong. */
function sendSome(answering: Answering, then: () => void): void {
  const { response, stream } = answering;
  const all = pieces(answering);
  const half = stream ? all.slice(0, Math.ceil(all.length / 2)) : [all[0]?.slice(0, 60) as string];
  begin(answering);
  writeEach(response, half, then);
}

function writeEach(response: ServerResponse, parts: readonly string[], then: () => void, everyMs?: number): void {
  let next = 0;
  const step = (): void => {
    if (response.destroyed) return;
    const part = parts[next++];
    if (part === undefined) then();
    else {
      response.write(part);
      if (everyMs === undefined) setImmediate(step);
      else setTimeout(step, everyMs);
    }
  };
  step();
}

function watchLeaving({ directive, response }: Answering): void {
  state.held.push(directive.nonce);
  response.once('close', () => state.left.push(directive.nonce));
}
