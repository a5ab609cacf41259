/** The client's side of one keep-alive connection, on a bare socket: as little of HTTP as tells where an answer ends. */
import { connect, type Socket } from 'node:net';
import type { Address } from './conversations.ts';

export interface Answer {
  /** 0 where not even the head came. */
  status: number;
  /** From the request's last byte to the body's first. */
  firstByteMs: number;
  /** `cut off`: the connection ended before the answer did. */
  ended: 'whole' | 'cut off';
}

export interface Connection {
  /** One request at a time; connects where that is needed. */
  send(request: Buffer, done: (answer: Answer) => void): void;
  close(): void;
}

interface Exchange {
  done: (answer: Answer) => void;
  sentAt: number;
  /** Null once the head is whole. */
  head: Buffer | null;
  status: number;
  firstByteMs: number;
  /** Of the body, yet to come; Infinity where its end is told in another way. */
  remaining: number;
  chunked: boolean;
  closes: boolean;
  /** The last five bytes, in which a chunked body's end is recognised. */
  tail: string;
}

const NOTHING = Buffer.alloc(0);

export function createConnection({ host, port }: Address, onBody: (bytes: Buffer) => void = () => {}): Connection {
  let socket: Socket | null = null;
  let exchange: Exchange | null = null;

  const finish = (ended: Answer['ended']): void => {
    if (!exchange) return;
    const { done, status, firstByteMs, closes } = exchange;
    exchange = null;
    if (closes || ended === 'cut off') drop();
    done({ status, firstByteMs, ended });
  };
  const drop = (): void => {
    socket?.removeAllListeners();
    socket?.on('error', () => {});
    socket?.destroy();
    socket = null;
  };
  const closed = (): void => {
    const untilClose = exchange?.head === null && !exchange.chunked && exchange.remaining === Infinity;
    drop();
    finish(untilClose ? 'whole' : 'cut off');
  };
  const open = (): Socket => {
    const opened = connect({ host, port, noDelay: true });
    opened.on('data', (bytes: Buffer) => exchange && receive(exchange, bytes, onBody) && finish('whole'));
    opened.on('error', () => {});
    opened.on('close', closed);
    return opened;
  };

  return {
    send(request, done) {
      socket ??= open();
      exchange = {
        done,
        sentAt: performance.now(),
        head: NOTHING,
        status: 0,
        firstByteMs: Number.NaN,
        remaining: Number.POSITIVE_INFINITY,
        chunked: false,
        closes: false,
        tail: '',
      };
      socket.write(request);
    },
    close() {
      exchange = null;
      drop();
    },
  };
}

/** True once the answer is whole. */
function receive(exchange: Exchange, bytes: Buffer, onBody: (bytes: Buffer) => void): boolean {
  const body = exchange.head === null ? bytes : afterHead(exchange, exchange.head, bytes);
  if (body === null) return false;
  if (body.length > 0) {
    if (Number.isNaN(exchange.firstByteMs)) exchange.firstByteMs = performance.now() - exchange.sentAt;
    onBody(body);
  }
  if (exchange.chunked) {
    exchange.tail =
      body.length >= 5 ? body.toString('latin1', body.length - 5) : (exchange.tail + body.toString('latin1')).slice(-5);
    return exchange.tail === '0\r\n\r\n';
  }
  exchange.remaining -= body.length;
  return exchange.remaining <= 0;
}

/** What of these bytes belongs to the body; null where the head is not whole yet. */
function afterHead(exchange: Exchange, before: Buffer, bytes: Buffer): Buffer | null {
  const received = before.length === 0 ? bytes : Buffer.concat([before, bytes]);
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) {
    exchange.head = received;
    return null;
  }
  const head = received.toString('latin1', 0, end);
  exchange.head = null;
  exchange.status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) exchange.remaining = Number(length[1]);
  exchange.chunked = !length && /\r\ntransfer-encoding: *chunked/i.test(head);
  exchange.closes = /\r\nconnection: *close/i.test(head);
  return received.subarray(end + 4);
}
