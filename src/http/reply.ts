/** What a client gets for a request that goes upstream, and what Conduit's own headers say of it. */
import { withoutSecrets } from '../upstream/failures.ts';
import { type ApiErrorFields, errorBody, internalError } from './errors.ts';
import type { ClientExchange } from './exchange.ts';
import { encodeHeaderText } from './header-text.ts';

/** The client's side of it. */
export interface Client {
  exchange: ClientExchange;
  header: (name: string) => string | undefined;
  /** What it is told beside the answer's own headers: its limits. */
  headers: Readonly<Record<string, string>>;
  /** Its own key for providers that take that; null where it sent none. */
  ownKey: string | null;
}

export interface Facts {
  /** The decision's id; null where none is kept. */
  decision: string | null;
  model: string;
  reason: string;
  propensity: number;
  attempts: number;
}

type Headers = Readonly<Record<string, string>>;

export interface Reply {
  /** Conduit's own headers, as of now. */
  headers(facts: Facts): Record<string, string>;
  /** Tells how long an upstream was waited for: that is not Conduit's own time. */
  upstreamTook(ms: number): void;
  /** Begins an answer whose bytes are written to the exchange. */
  begin(status: number, headers: Headers): void;
  sendWhole(status: number, bytes: Uint8Array, headers: Headers): void;
  /** In OpenAI's shape, the secrets blotted out. */
  sendError(error: ApiErrorFields, headers: Headers, secrets: readonly string[]): void;
  /** Tells a fault of our own. What has begun is cut off, so that it never looks whole. */
  fail(): void;
}

/** `startedAt` is when Conduit had the whole request, on the steady clock. */
export function createReply({ exchange, headers: limits }: Client, clock: () => number, startedAt: number): Reply {
  let upstreamMs = 0;
  let begun = false;

  const reply: Reply = {
    headers: ({ decision, model, reason, propensity, attempts }) => ({
      ...limits,
      ...(decision !== null && { 'x-conduit-decision': decision }),
      'x-conduit-model': encodeHeaderText(model),
      'x-conduit-reason': reason,
      'x-conduit-propensity': String(propensity),
      'x-conduit-attempts': String(attempts),
      'x-conduit-overhead-ms': Math.max(0, clock() - startedAt - upstreamMs).toFixed(3),
    }),
    upstreamTook(ms) {
      upstreamMs += ms;
    },
    begin(status, headers) {
      exchange.begin(status, headers);
      begun = true;
    },
    sendWhole(status, bytes, headers) {
      reply.begin(status, { ...headers, 'content-length': String(bytes.length) });
      if (bytes.length > 0) exchange.write(bytes);
      exchange.end();
    },
    sendError(error, headers, secrets) {
      const bytes = withoutSecrets(encoder.encode(errorBody(error)), secrets);
      reply.sendWhole(error.status, bytes, { 'content-type': 'application/json', ...headers });
    },
    fail() {
      if (begun) exchange.abort();
      else reply.sendError(internalError, {}, []);
    },
  };
  return reply;
}

const encoder = new TextEncoder();
