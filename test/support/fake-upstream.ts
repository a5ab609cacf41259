/** A provider that does what a test's script says, byte by byte, and remembers what it was sent and who hung up. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { sse } from './events.ts';

export { piece, sse } from './events.ts';

export interface Received {
  path: string;
  headers: IncomingMessage['headers'];
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent
  body: any;
  /** Resolves with the steady clock's time at which the client's side closed before the answer was whole. */
  hungUpAt: Promise<number>;
}

export type Script = (response: ServerResponse, received: Received) => unknown;

export interface FakeUpstream {
  url: string;
  received: Received[];
  /** What to do for a model; `*` for every other. */
  scripts: Map<string, Script>;
  /** Cuts every connection. */
  hangUp(): void;
  close(): Promise<void>;
}

export async function startFakeUpstream(script?: Script): Promise<FakeUpstream> {
  const received: Received[] = [];
  const scripts = new Map<string, Script>();
  if (script) scripts.set('*', script);
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const hungUpAt = new Promise<number>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished) resolve(performance.now());
      });
    });
    const body = JSON.parse(text);
    const entry = { path: request.url ?? '', headers: request.headers, text, body, hungUpAt };
    received.push(entry);
    await (scripts.get(body.model) ?? scripts.get('*') ?? answer())(response, entry);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    received,
    scripts,
    hangUp: () => server.closeAllConnections(),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
let nth = 0;

/** Answers as OpenAI does, in a stream or whole, as asked. */
export function answer(
  content = 'Hello there',
  options: { toolCall?: string; finish?: string; usage?: object | null } = {},
): Script {
  const { toolCall, finish = toolCall ? 'tool_calls' : 'stop', usage = USAGE } = options;
  return (response, { body }) => {
    const head = { id: `chatcmpl-${++nth}`, created: 1, model: body.model };
    const calls = toolCall
      ? [{ id: 'call_1', type: 'function', function: { name: 'look_up', arguments: toolCall } }]
      : undefined;
    if (!body.stream) {
      const message = { role: 'assistant', content: calls ? null : content, ...(calls && { tool_calls: calls }) };
      const whole = {
        ...head,
        object: 'chat.completion',
        choices: [{ index: 0, message, finish_reason: finish }],
        usage,
      };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(whole));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of streamOf(head, calls ? null : content, calls, finish)) response.write(event);
    if (body.stream_options?.include_usage)
      response.write(sse({ ...head, object: 'chat.completion.chunk', choices: [], usage }));
    response.end('data: [DONE]\n\n');
  };
}

function* streamOf(
  head: object,
  content: string | null,
  calls: { id: string; function: { arguments: string } }[] | undefined,
  finish: string,
) {
  const chunk = (delta: object, finish_reason: string | null = null) =>
    sse({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] });
  yield chunk({ role: 'assistant', content: content === null ? null : '' });
  for (const word of content?.match(/\S+\s*/g) ?? []) yield chunk({ content: word });
  for (const call of calls ?? []) {
    yield chunk({ tool_calls: [{ index: 0, ...call, function: { ...call.function, arguments: '' } }] });
    for (const piece of call.function.arguments.match(/.{1,4}/gs) ?? []) {
      yield chunk({ tool_calls: [{ index: 0, function: { arguments: piece } }] });
    }
  }
  yield chunk({}, finish);
}

/** Answers with a status and a body, JSON unless it is text. */
export const fail =
  (
    status: number,
    body: unknown = { error: { message: `failed with ${status}`, type: 'x', param: null, code: null } },
    headers = {},
  ): Script =>
  (response) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    response
      .writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers })
      .end(text);
  };

/** Streams the pieces as they are given, waiting where one is a number of milliseconds, then ends or does what `then` says. */
export const stream =
  (pieces: readonly (string | Uint8Array | number)[], then: 'end' | 'cut' | 'hang' = 'end'): Script =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    for (const piece of pieces) {
      if (response.destroyed) return;
      if (typeof piece === 'number') await sleep(piece);
      else response.write(piece);
    }
    if (then === 'end') response.end();
    if (then === 'cut') response.socket?.destroy();
  };

/** Never answers. */
export const silence: Script = () => {};
