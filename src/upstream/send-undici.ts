/** Sends upstream requests on Node through undici's `dispatch`: no web streams, which cost a proxy most of its time. */
import type { Dispatcher, Pool as UndiciPool } from 'undici';
// The pool alone: the whole of undici holds another 14 MB, for a fetch of its own that Node has anyway.
import Pool from 'undici/lib/dispatcher/pool.js';
import type { ResponseHeaders, Send, UpstreamEvents, UpstreamFailure, UpstreamRequest } from './port.ts';

export interface UndiciSender {
  send: Send;
  /** Closes idle connections and waits for those in use. */
  close(): Promise<void>;
}

/** The addresses that are known without parsing them anew; requests mostly go to a few. */
const MOST_ADDRESSES = 1_000;
const LONGEST_ADDRESS = 256;

interface Address {
  pool: UndiciPool;
  path: string;
}

export function createUndiciSender(): UndiciSender {
  const pools = new Map<string, UndiciPool>();
  const addresses = new Map<string, Address>();

  /** One pool for each origin and connect time-out, since undici knows that limit for a pool only. */
  const poolFor = (origin: string, connectMs: number): UndiciPool => {
    const name = `${connectMs} ${origin}`;
    let pool = pools.get(name);
    if (!pool) {
      // undici's own time-outs are off: an attempt keeps its own, which tell first byte, idle and total apart.
      // HTTP/1.1 only: on a shared HTTP/2 session one slow reader would hold back other people's streams.
      pool = new Pool(origin, {
        connect: { timeout: connectMs },
        headersTimeout: 0,
        bodyTimeout: 0,
        pipelining: 1,
        allowH2: false,
      });
      pools.set(name, pool);
    }
    return pool;
  };

  const addressOf = ({ url, connectMs }: UpstreamRequest): Address => {
    const name = `${connectMs} ${url}`;
    let address = addresses.get(name);
    if (!address) {
      const { origin, pathname, search } = new URL(url);
      address = { pool: poolFor(origin, connectMs), path: pathname + search };
      // Neither queries, nor paths that a caller has made up: they come once.
      if (search === '' && url.length <= LONGEST_ADDRESS) {
        if (addresses.size >= MOST_ADDRESSES) addresses.clear();
        addresses.set(name, address);
      }
    }
    return address;
  };

  const send: Send = (request, events) => {
    const handler = new EventsHandler(events);
    const { pool, path } = addressOf(request);
    const options: Dispatcher.DispatchOptions = {
      path,
      method: request.method as Dispatcher.HttpMethod,
      headers: request.headers,
      body: request.body as NonNullable<Dispatcher.DispatchOptions['body']> | null,
    };
    try {
      pool.dispatch(options, handler);
    } catch (error) {
      // Told later, as every other failure is: the caller does not hold the call yet.
      queueMicrotask(() => handler.onResponseError(undefined, error as Error));
    }
    return handler;
  };

  return {
    send,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}

/** Hands undici's events on, and is the call that the caller holds. */
class EventsHandler implements Dispatcher.DispatchHandler {
  readonly #events: UpstreamEvents;
  #controller: Dispatcher.DispatchController | undefined;
  #over = false;
  #paused = false;

  constructor(events: UpstreamEvents) {
    this.#events = events;
  }

  pause(): void {
    this.#paused = true;
    this.#controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#controller?.resume();
  }

  cancel(): void {
    this.#over = true;
    this.#controller?.abort(new Error('cancelled'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Cancelled while it waited for a connection.
    if (this.#over) controller.abort(new Error('cancelled'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#over || status < 200) return;
    this.#events.headers(status, flattened(headers));
    if (this.#paused) controller.pause();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#events.data(chunk);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.failed(failureOf(error));
  }
}

/** undici gives names in lower case, and a list where a header came more than once, which is joined in place. */
function flattened(headers: Record<string, string | string[] | undefined>): ResponseHeaders {
  for (const name in headers) {
    const value = headers[name];
    if (Array.isArray(value)) headers[name] = value.join(', ');
  }
  return headers as ResponseHeaders;
}

function failureOf(error: NodeJS.ErrnoException): UpstreamFailure {
  const { code = '', syscall, message } = error;
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { kind: 'connect_timeout', message };
  const beforeConnecting = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'];
  // The system's own words end in the address, which is no client's business.
  const told = syscall === undefined ? message || code : `${syscall} ${code}`;
  return { kind: beforeConnecting.includes(code) ? 'connect' : 'reset', message: told || 'the connection failed' };
}
