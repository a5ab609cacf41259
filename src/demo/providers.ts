/** An OpenAI-compatible server on 127.0.0.1 that plays all the simulated models, and keeps their bill. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerTokens, findModel, MODELS, type SimulatedModel, tokensIn } from './models.ts';

export const LABEL = '[simulated answer]';

/** What one request was billed for: all that was produced until the end, or until the client left. */
export interface Billed {
  model: SimulatedModel;
  prompt: string;
  promptTokens: number;
  completionTokens: number;
  /** Of the whole answer, in [0, 1]. */
  part: number;
  /** The request's `user`; null where it says none. */
  user: string | null;
}

export interface SimulatedProvider {
  /** With /v1. */
  url: string;
  close(): Promise<void>;
}

/** Text comes this often, whatever the speed. */
const CHUNK_MS = 60;
const WORDS =
  'this text was made up by a program so that an answer takes its time and has its length while no language model was asked and nothing in it is true or false';

let answered = 0;

export async function startSimulatedProvider(onBilled: (billed: Billed) => void): Promise<SimulatedProvider> {
  const server = createServer((request, response) => {
    respond(request, response, onBilled).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Wanted {
  model?: unknown;
  messages?: unknown;
  stream?: unknown;
  stream_options?: { include_usage?: unknown } | null;
  response_format?: { type?: unknown } | null;
  max_tokens?: unknown;
  max_completion_tokens?: unknown;
  user?: unknown;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  onBilled: (billed: Billed) => void,
): Promise<void> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
    return refuse(response, 404, 'The simulated provider has chat completions only.', 'not_found');
  }
  const wanted = read(text);
  const model = findModel(String(wanted?.model));
  if (!wanted || !model) {
    const names = MODELS.map(({ name }) => name).join(', ');
    return refuse(response, 404, `The simulated models are ${names}.`, 'model_not_found');
  }

  const prompt = JSON.stringify(wanted.messages ?? []);
  const promptTokens = tokensIn(prompt);
  const limit = Number(wanted.max_completion_tokens ?? wanted.max_tokens ?? Number.POSITIVE_INFINITY);
  const whole = answerTokens(model, prompt);
  const tokens = Math.max(1, Math.min(whole, limit));
  const number = ++answered;
  const json = String(wanted.response_format?.type ?? '').startsWith('json');
  const pieces = json ? jsonPieces(model, number, tokens) : textPieces(model, number, tokens);
  const finish = tokens < whole && !json ? 'length' : 'stop';
  const head = { id: `chatcmpl-simulated-${number}`, created: Math.floor(Date.now() / 1000), model: model.name };
  const usage = { prompt_tokens: promptTokens, completion_tokens: tokens, total_tokens: promptTokens + tokens };

  let made = 0;
  let billed = false;
  const bill = (): void => {
    if (billed) return;
    billed = true;
    const user = typeof wanted.user === 'string' ? wanted.user : null;
    onBilled({ model, prompt, promptTokens, completionTokens: made, part: made / tokens, user });
  };
  response.once('close', bill);

  await sleep(model.firstByteMs);
  if (response.destroyed) return;
  if (wanted.stream !== true) {
    await sleep((tokens / model.tokensPerSecond) * 1000);
    if (response.destroyed) return;
    made = tokens;
    bill();
    const message = { role: 'assistant', content: pieces.join('') };
    const body = {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: finish }],
      usage,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }

  const chunk = (delta: object, finish_reason: string | null = null): string =>
    sse({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] });
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(chunk({ role: 'assistant', content: '' }));
  const startedAt = performance.now();
  while (made < tokens) {
    await sleep(CHUNK_MS);
    if (response.destroyed) return;
    const due = Math.min(tokens, Math.ceil(((performance.now() - startedAt) / 1000) * model.tokensPerSecond));
    response.write(chunk({ content: pieces.slice(made, due).join('') }));
    made = due;
  }
  bill();
  response.write(chunk({}, finish));
  if (wanted.stream_options?.include_usage === true)
    response.write(sse({ ...head, object: 'chat.completion.chunk', choices: [], usage }));
  response.end('data: [DONE]\n\n');
}

function read(text: string): Wanted | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** One piece a token. */
function textPieces(model: SimulatedModel, number: number, tokens: number): string[] {
  const opening = `${LABEL} ${model.name}, no. ${number}:`.split(/(?= )/);
  const words = WORDS.split(' ');
  return Array.from({ length: tokens }, (_, i) => opening[i] ?? ` ${words[(i - opening.length) % words.length]}`);
}

/** Whole whatever its length: who asks for JSON gets JSON. */
function jsonPieces(model: SimulatedModel, number: number, tokens: number): string[] {
  const text = JSON.stringify({ answer: textPieces(model, number, tokens).join('') });
  const size = Math.ceil(text.length / tokens);
  return Array.from({ length: tokens }, (_, i) => text.slice(i * size, (i + 1) * size));
}

const sse = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;

function refuse(response: ServerResponse, status: number, message: string, code: string): void {
  const body = { error: { message, type: 'invalid_request_error', param: null, code } };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
