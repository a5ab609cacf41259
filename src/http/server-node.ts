/**
 * Node's HTTP server with its doors shut: what two parsers could read differently is refused, whoever is slow is cut off,
 * and each refusal is in OpenAI's shape.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { errorBody } from './errors.ts';

export interface ServerLimits {
  /** Bytes of the request line and all headers together; more: 431. */
  headerBytes: number;
  /** More headers than these: 431. */
  headers: number;
  /** In milliseconds: until the headers are whole, and until the body is. Longer: 408. */
  headersMs: number;
  requestMs: number;
  /** How often those two are looked at: the cut comes so much later at most. */
  checkMs: number;
  /** Longer than the keep-alive of the proxies that commonly stand in front: whoever closes first causes sporadic 502s. */
  keepAliveMs: number;
  /** How long a refused client has to read why before its connection is gone. */
  lingerMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headerBytes: 16 * 1024,
  headers: 100,
  headersMs: 15_000,
  requestMs: 300_000,
  checkMs: 2_000,
  keepAliveMs: 75_000,
  lingerMs: 1_000,
};

interface Refusal {
  status: 400 | 405 | 408 | 417 | 431 | 501 | 505;
  message: string;
  code: string;
}

export interface StrictServer {
  server: Server;
  /** Closes what is kept open between two requests, and what has not asked for anything yet. */
  closeIdle(): void;
}

/** The listener gets only requests that have one meaning. */
export function createStrictServer(listener: RequestListener, limits: ServerLimits = SERVER_LIMITS): StrictServer {
  /** The newest answer of each connection. */
  const answers = new WeakMap<Duplex, ServerResponse>();
  const refused = new WeakSet<Duplex>();
  const unused = new Set<Duplex>();

  const server = createServer(
    {
      insecureHTTPParser: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      keepAliveTimeout: limits.keepAliveMs,
      // Asked for below: Node's own answer has no body.
      requireHostHeader: false,
    },
    (incoming, outgoing) => {
      // What is still coming on a connection that has been told off is nobody's request.
      if (refused.has(incoming.socket)) return;
      unused.delete(incoming.socket);
      answers.set(incoming.socket, outgoing);
      const refusal = whyRefused(incoming, limits);
      if (refusal) refuse(outgoing, refusal);
      else listener(incoming, outgoing);
    },
  );
  // Node drops without a word what is beyond: so it keeps one more than is allowed, for the count to show it.
  server.maxHeadersCount = limits.headers + 1;

  const refuseConnection = (socket: Duplex, refusal: Refusal): void => {
    refused.add(socket);
    const reading = answers.get(socket)?.req.complete === false;
    // A body must not be completed any more: the request that waits for it would go on and cost money.
    socket.end(wholeAnswer(refusal), () => reading && socket.destroy());
    // Else not at once: a reset would overtake the answer while the client is still sending.
    const timer = setTimeout(() => socket.destroy(), limits.lingerMs);
    socket.once('close', () => clearTimeout(timer));
  };

  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (refused.has(socket)) return;
    const mayAnswer = socket.writable && error.code !== 'ECONNRESET' && isItsTurn(answers.get(socket));
    if (mayAnswer) refuseConnection(socket, refusalOf(error));
    else socket.destroy();
  });
  server.on('connect', (_request, socket) => refuseConnection(socket, NO_TUNNEL));
  server.on('checkExpectation', (_request, outgoing) => refuse(outgoing, UNKNOWN_EXPECTATION));
  return {
    server,
    closeIdle() {
      server.closeIdleConnections();
      for (const socket of unused) socket.destroy();
    },
  };
}

/** Whether a refusal would be read as the answer to what it is about, and not inside of or instead of another one. */
function isItsTurn(latest: ServerResponse | undefined): boolean {
  if (!latest || latest.writableFinished) return true;
  return !latest.headersSent && !latest.req.complete && latest.socket !== null;
}

const NO_TUNNEL: Refusal = { status: 405, message: 'This is no forward proxy.', code: 'method_not_allowed' };
const UNKNOWN_EXPECTATION: Refusal = {
  status: 417,
  message: "The header 'expect' may say 100-continue only.",
  code: 'expectation_failed',
};

/** What the parser lets through although a server in front may have read it differently. */
function whyRefused(incoming: IncomingMessage, limits: ServerLimits): Refusal | null {
  const { rawHeaders, httpVersion } = incoming;
  if (rawHeaders.length > 2 * limits.headers) {
    return { status: 431, message: `More than ${limits.headers} headers.`, code: 'headers_too_large' };
  }
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return { status: 505, message: 'HTTP/1.1 is spoken here.', code: 'http_version_not_supported' };
  }
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  // Load balancers ask for one's health in HTTP/1.0, which needs none.
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    return { status: 400, message: "Exactly one header 'host' is needed.", code: 'invalid_http_request' };
  }
  const coding = incoming.headers['transfer-encoding'];
  if (coding === undefined) return null;
  if (httpVersion === '1.0') {
    return { status: 400, message: "HTTP/1.0 has no 'transfer-encoding'.", code: 'invalid_http_request' };
  }
  if (coding.toLowerCase() === 'chunked') return null;
  return { status: 501, message: "The one 'transfer-encoding' known here is chunked.", code: 'not_implemented' };
}

function refusalOf({ code }: NodeJS.ErrnoException): Refusal {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { status: 431, message: 'The headers are too large.', code: 'headers_too_large' };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, message: 'The request did not arrive in time.', code: 'request_timeout' };
  }
  return { status: 400, message: 'This is no valid HTTP/1.1 request.', code: 'invalid_http_request' };
}

function bodyOf({ message, code, status }: Refusal): string {
  return errorBody({ status: 400, message, code, type: status === 408 ? 'timeout_error' : 'invalid_request_error' });
}

const headersOf = (body: string): Record<string, string> => ({
  'content-type': 'application/json',
  'content-length': String(Buffer.byteLength(body)),
  connection: 'close',
});

/** For a connection on which no request has come to be. */
function wholeAnswer(refusal: Refusal): string {
  const body = bodyOf(refusal);
  const headers = Object.entries(headersOf(body)).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${headers.join('')}\r\n${body}`;
}

function refuse(outgoing: ServerResponse, refusal: Refusal): void {
  const body = bodyOf(refusal);
  outgoing.writeHead(refusal.status, headersOf(body)).end(body);
}
