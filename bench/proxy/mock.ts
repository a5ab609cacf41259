/**
 * The upstream of the bench, a process of its own on bare sockets, so that it costs the machine as little as can be: chat
 * completions whole and as streams, paced or at once, broken off, or never answered; and a journal of who left when.
 */
import { createServer, type Socket } from 'node:net';
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

export interface MockVerbs {
  /** On this port, or with 0 on a free one, which it gives. */
  listen(port: number): Promise<number>;
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
  listen: (port) =>
    new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, serve);
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

/** The answer that a connection is waiting for. */
interface Pending {
  number: string;
  timer?: NodeJS.Timeout;
}

function serve(socket: Socket): void {
  let received = '';
  let pending: Pending | null = null;
  socket.on('data', (data: Buffer) => {
    received += data.toString('latin1');
    if (!isWholeRequest(received)) return;
    const request = received;
    received = '';
    noteArrival();
    pending = { number: NUMBER.exec(request)?.[1] ?? '' };
    answer(socket, request, pending, () => {
      pending = null;
    });
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (!pending) return;
    clearInterval(pending.timer);
    noteDeparture(pending.number);
  });
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

function answer(socket: Socket, request: string, pending: Pending, done: () => void): void {
  const { silent } = behaviour;
  if (silent) return;
  answersBegun += 1;
  const id = String(answersBegun).padStart(12, '0');
  if (/"stream": *true/.test(request)) stream(socket, id, /"include_usage": *true/.test(request), pending, done);
  else {
    done();
    socket.write(wholeAnswer(id), 'latin1');
  }
}

const USAGE = '"usage":{"prompt_tokens":61,"completion_tokens":41,"total_tokens":102}';
const ABOUT = '"created":1790000000,"model":"mock-1","system_fingerprint":"fp_0000000000"';

const WHOLE_AFTER_ID = `","object":"chat.completion",${ABOUT},"choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(PIECES.join(''))},"refusal":null},"logprobs":null,"finish_reason":"stop"}],${USAGE},"service_tier":"default"}`;
const WHOLE_BEFORE_ID = '{"id":"chatcmpl-';
const WHOLE_HEAD = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_000000000000\r\ncontent-length: ${WHOLE_BEFORE_ID.length + 12 + WHOLE_AFTER_ID.length}\r\n\r\n`;

function wholeAnswer(id: string): string {
  return WHOLE_HEAD + WHOLE_BEFORE_ID + id + WHOLE_AFTER_ID;
}

const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-request-id: req_000000000000\r\ntransfer-encoding: chunked\r\n\r\n';

function stream(socket: Socket, id: string, withUsage: boolean, pending: Pending, done: () => void): void {
  const { chunks, paceMs, breakAfter } = behaviour;
  let sent = 0;
  const sendNext = (): boolean => {
    const bytes = (sent === 0 ? STREAM_HEAD : '') + piece(id, sent);
    sent += 1;
    if (sent === breakAfter) {
      // What was sent has left this process before the reset does.
      socket.write(bytes, 'latin1', () => socket.resetAndDestroy());
      done();
      return false;
    }
    if (sent < chunks) {
      socket.write(bytes, 'latin1');
      return true;
    }
    done();
    socket.write(bytes + ending(id, withUsage), 'latin1');
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

function ending(id: string, withUsage: boolean): string {
  const finish = event(id, '"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]');
  const usage = withUsage ? event(id, `"choices":[],${USAGE}`) : '';
  return `${finish}${usage}${framed('data: [DONE]\n\n')}0\r\n\r\n`;
}

function event(id: string, rest: string): string {
  return framed(`data: {"id":"chatcmpl-${id}","object":"chat.completion.chunk",${ABOUT},${rest}}\n\n`);
}

function framed(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
