/**
 * A client's connection as HTTP/1.1 has it, read strictly: bytes behind an answer's end, a body that breaks off and a
 * connection that closes unannounced are told, where a forgiving client would pass over them.
 */
import { connect, type Socket } from 'node:net';

export interface ResponseHead {
  status: number;
  headers: ReadonlyMap<string, string>;
}

/** Exactly one of `end` and `failed` is called, unless the client leaves. */
export interface ResponseEvents {
  head(head: ResponseHead): void;
  data(bytes: Buffer): void;
  end(): void;
  failed(why: string): void;
}

export interface Connection {
  /** Whether another request may be sent on it. */
  usable(): boolean;
  send(request: Buffer, events: ResponseEvents): void;
  pause(): void;
  resume(): void;
  /** Leaves, whatever is on its way. */
  leave(): void;
}

type Reading = 'nothing' | 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'until-close';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

export function openConnection(port: number): Connection {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let reading: Reading = 'nothing';
  let events: ResponseEvents | null = null;
  let held: Buffer = Buffer.alloc(0);
  let left = 0;
  let keepsAlive = true;
  let usable = true;

  const finish = (): void => {
    const done = events;
    events = null;
    reading = 'nothing';
    if (!keepsAlive) {
      usable = false;
      socket.end();
    }
    done?.end();
  };

  const fail = (why: string): void => {
    const failed = events;
    events = null;
    usable = false;
    socket.destroy();
    failed?.failed(why);
  };

  /** Up to this separator, itself left out; null while it has not come. */
  const takeUntil = (separator: Buffer): string | null => {
    const at = held.indexOf(separator);
    if (at < 0) return null;
    const text = held.toString('latin1', 0, at);
    held = held.subarray(at + separator.length);
    return text;
  };

  const takeBody = (): boolean => {
    const bytes = held.subarray(0, left);
    held = held.subarray(bytes.length);
    left -= bytes.length;
    if (bytes.length > 0) events?.data(bytes);
    return left === 0;
  };

  const readHead = (): boolean => {
    const text = takeUntil(HEAD_END);
    if (text === null) return false;
    const [statusLine = '', ...lines] = text.split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
    const headers = new Map(
      lines.map((line) => {
        const at = line.indexOf(':');
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
      }),
    );
    if (!(status >= 200)) {
      if (status === 100) return true;
      fail(`no HTTP answer: ${statusLine.slice(0, 80)}`);
      return false;
    }
    keepsAlive = headers.get('connection') !== 'close';
    events?.head({ status, headers });
    const length = headers.get('content-length');
    if (headers.get('transfer-encoding') === 'chunked') reading = 'chunk-size';
    else if (length !== undefined) {
      reading = 'length';
      left = Number(length);
    } else reading = 'until-close';
    return true;
  };

  /** Reads one part of what is held; false where more must come first. */
  const step = (): boolean => {
    if (reading === 'head') return readHead();
    if (reading === 'length') {
      if (!takeBody()) return false;
      finish();
      return true;
    }
    if (reading === 'chunk-size') {
      const line = takeUntil(LINE_END);
      if (line === null) return false;
      left = Number.parseInt(line, 16);
      if (!/^[0-9a-f]+$/i.test(line)) fail(`no size of a chunk: ${line.slice(0, 40)}`);
      else reading = left === 0 ? 'trailer' : 'chunk';
      return usable;
    }
    if (reading === 'chunk') {
      if (!takeBody()) return false;
      reading = 'chunk-end';
      return true;
    }
    if (reading === 'chunk-end' || reading === 'trailer') {
      const line = takeUntil(LINE_END);
      if (line === null) return false;
      if (line !== '') fail('bytes where a chunk should end');
      else if (reading === 'trailer') finish();
      else reading = 'chunk-size';
      return usable;
    }
    if (reading === 'until-close') {
      left = held.length;
      takeBody();
    }
    return false;
  };

  socket.on('data', (bytes: Buffer) => {
    if (reading === 'nothing') return fail('bytes behind the end of an answer');
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    while (events && step());
    if (usable && !events && held.length > 0) fail('bytes behind the end of an answer');
  });
  socket.on('end', () => {
    usable = false;
    if (reading === 'until-close') finish();
    else if (events) fail('the connection ended in the answer');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => fail(`the connection failed: ${error.code}`));
  socket.on('close', () => fail('the connection closed in the answer'));

  return {
    usable: () => usable && reading === 'nothing',
    send(request, listener) {
      events = listener;
      reading = 'head';
      socket.write(request);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    leave() {
      events = null;
      usable = false;
      socket.destroy();
    },
  };
}
