/**
 * The upstream of the bench, a process of its own: chat completions whole and as streams, paced or at once, broken off, or
 * never answered; and a journal of who left when.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { answerQuestions } from './ask.ts';
import { NUMBER, PIECES } from './conversations.ts';

export interface Behaviour {
  /** Of a stream. */
  chunks: number;
  /** Milliseconds from one chunk of a stream to the next; 0: all at once. */
  paceMs: number;
  /** Resets the connection after so many chunks. */
  breakAfter?: number;
  /** Never answers. */
  silent?: boolean;
}

/** A client that left before its answer was whole. Times of all processes are of the machine's one monotonic clock. */
export interface Departure {
  number: string;
  atMs: number;
}

export interface Listening {
  /** 0: a free one. */
  port: number;
  /** On bare sockets, which cost next to nothing, instead of Node's HTTP server, which costs what an upstream does. */
  bare: boolean;
}

export interface MockVerbs {
  /** Gives the port. */
  listen(listening: Listening): Promise<number>;
  /** From the next request on; the journal begins anew. */
  behave(behaviour: Behaviour): void;
  /** How many requests have come, once there are so many or the time is over. */
  arrivals(wanted: Wanted): Promise<number>;
  departures(wanted: Wanted): Promise<Departure[]>;
}

export interface Wanted {
  count: number;
  withinMs: number;
}

let behaviour: Behaviour = { chunks: PIECES.length, paceMs: 0 };
let arrivals = 0;
let departures: Departure[] = [];
/** Whoever waits for the journal to grow. */
const watchers = new Set<() => void>();

answerQuestions<MockVerbs>({
  listen: ({ port, bare }) =>
    new Promise((resolve, reject) => {
      const server: Server = bare ? createServer({ noDelay: true }, serve) : createHttpServer(serveHttp);
      server.once('error', reject);
      server.listen(port, '127.0.0.1', 4_096, () => resolve((server.address() as { port: number }).port));
    }),
  behave(next) {
    behaviour = next;
    arrivals = 0;
    departures = [];
  },
  arrivals: async (wanted) => {
    await grown(() => arrivals >= wanted.count, wanted.withinMs);
    return arrivals;
  },
  departures: async (wanted) => {
    await grown(() => departures.length >= wanted.count, wanted.withinMs);
    return departures;
  },
});

function grown(enough: () => boolean, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (enough()) stop();
    };
    const stop = () => {
      clearTimeout(timer);
      watchers.delete(look);
      resolve();
    };
    const timer = setTimeout(stop, withinMs);
    watchers.add(look);
    look();
  });
}

function noteArrival(): void {
  arrivals += 1;
  for (const look of watchers) look();
}

function noteDeparture(number: string): void {
  departures.push({ number, atMs: Number(process.hrtime.bigint()) / 1e6 });
  for (const look of watchers) look();
}

/** The answer that a client is waiting for. */
interface Pending {
  number: string;
  timer?: NodeJS.Timeout;
}

/** Where an answer is written to. */
interface Out {
  whole(json: string): void;
  begin(): void;
  /** `sent` is called when it has left this process. */
  event(text: string, sent?: () => void): void;
  end(): void;
  reset(): void;
}

function serve(socket: Socket): void {
  let received = '';
  let pending: Pending | null = null;
  const out = bareOut(socket);
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1');
    if (!isWholeRequest(received)) return;
    const request = received;
    received = '';
    noteArrival();
    pending = { number: NUMBER.exec(request)?.[1] ?? '' };
    answer(out, request, pending, () => {
      pending = null;
    });
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (pending) noteLeaver(pending);
  });
}

function serveHttp(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  let pending: Pending | null = null;
  request.setEncoding('utf8');
  request.on('data', (text: string) => {
    body += text;
  });
  request.on('end', () => {
    noteArrival();
    pending = { number: NUMBER.exec(body)?.[1] ?? '' };
    answer(httpOut(response), body, pending, () => {
      pending = null;
    });
  });
  response.on('close', () => {
    if (pending) noteLeaver(pending);
  });
}

function noteLeaver({ number, timer }: Pending): void {
  clearInterval(timer);
  noteDeparture(number);
}

function isWholeRequest(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return false;
  const head = text.slice(0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) return text.length >= headEnd + 4 + Number(length[1]);
  return /\r\ntransfer-encoding: *chunked/i.test(head) ? text.endsWith('\r\n0\r\n\r\n') : true;
}

let answersBegun = 0;

function answer(out: Out, request: string, pending: Pending, done: () => void): void {
  const { silent } = behaviour;
  if (silent) return;
  answersBegun += 1;
  const id = String(answersBegun).padStart(12, '0');
  if (/"stream": *true/.test(request)) stream(out, id, /"include_usage": *true/.test(request), pending, done);
  else {
    done();
    out.whole(`${WHOLE_BEFORE_ID}${id}${WHOLE_AFTER_ID}`);
  }
}

const USAGE = '"usage":{"prompt_tokens":61,"completion_tokens":41,"total_tokens":102}';
const ABOUT = '"created":1790000000,"model":"mock-1","system_fingerprint":"fp_0000000000"';

const WHOLE_AFTER_ID = `","object":"chat.completion",${ABOUT},"choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(PIECES.join(''))},"refusal":null},"logprobs":null,"finish_reason":"stop"}],${USAGE},"service_tier":"default"}`;
const WHOLE_BEFORE_ID = '{"id":"chatcmpl-';

function stream(out: Out, id: string, withUsage: boolean, pending: Pending, done: () => void): void {
  const { chunks, paceMs, breakAfter } = behaviour;
  let sent = 0;
  const sendNext = (): boolean => {
    if (sent === 0) out.begin();
    const text = piece(id, sent);
    sent += 1;
    if (sent === breakAfter) {
      out.event(text, out.reset);
      done();
      return false;
    }
    out.event(text);
    if (sent < chunks) return true;
    done();
    out.event(event(id, '"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]'));
    if (withUsage) out.event(event(id, `"choices":[],${USAGE}`));
    out.event('data: [DONE]\n\n');
    out.end();
    return false;
  };
  if (paceMs === 0) while (sendNext());
  else if (sendNext()) {
    pending.timer = setInterval(() => {
      if (!sendNext()) clearInterval(pending.timer);
    }, paceMs);
  }
}

function piece(id: string, index: number): string {
  const text = JSON.stringify(PIECES[index % PIECES.length]);
  return event(id, `"choices":[{"index":0,"delta":{"content":${text}},"logprobs":null,"finish_reason":null}]`);
}

function event(id: string, rest: string): string {
  return `data: {"id":"chatcmpl-${id}","object":"chat.completion.chunk",${ABOUT},${rest}}\n\n`;
}

const WHOLE_HEADERS = { 'content-type': 'application/json', 'x-request-id': 'req_000000000000' };
const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-request-id': 'req_000000000000',
};

function httpOut(response: ServerResponse): Out {
  return {
    whole(json) {
      response.writeHead(200, { ...WHOLE_HEADERS, 'content-length': json.length });
      response.end(json, 'latin1');
    },
    begin: () => void response.writeHead(200, STREAM_HEADERS),
    event: (text, sent) => void response.write(text, 'latin1', sent),
    end: () => void response.end(),
    reset: () => response.socket?.resetAndDestroy(),
  };
}

function bareOut(socket: Socket): Out {
  return {
    whole: (json) =>
      void socket.write(headOf({ ...WHOLE_HEADERS, 'content-length': String(json.length) }) + json, 'latin1'),
    begin() {
      socket.cork();
      socket.write(headOf({ ...STREAM_HEADERS, 'transfer-encoding': 'chunked' }), 'latin1');
      process.nextTick(() => socket.uncork());
    },
    event: (text, sent) => void socket.write(`${text.length.toString(16)}\r\n${text}\r\n`, 'latin1', sent),
    end: () => void socket.write('0\r\n\r\n', 'latin1'),
    reset: () => void socket.resetAndDestroy(),
  };
}

function headOf(headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`;
}
