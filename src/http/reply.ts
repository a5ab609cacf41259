/** What a client gets for a request that goes upstream, and what Conduit's own headers say of it. */
import type { Answered } from '../routing/observer.ts';
import { withoutSecrets } from '../upstream/failures.ts';
import { type ApiErrorFields, errorBody, internalError } from './errors.ts';
import type { AnswerSink } from './exchange.ts';
import { encodeHeaderText } from './header-text.ts';

/** The client's side of it. */
export interface Client {
  exchange: AnswerSink;
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

export class Reply {
  readonly #client: Client;
  readonly #clock: () => number;
  readonly #startedAt: number;
  #upstreamMs = 0;
  #begun = false;
  #overheadMs: number | null = null;
  #status: number | null = null;
  #beganAt: number | null = null;

  /** `startedAt` is when Conduit had the whole request, on the steady clock. */
  constructor(client: Client, clock: () => number, startedAt: number) {
    this.#client = client;
    this.#clock = clock;
    this.#startedAt = startedAt;
  }

  /** Adds Conduit's own headers, as of now, to those that the answer has already. */
  withOwn(headers: Record<string, string>, { decision, model, reason, propensity, attempts }: Facts): Headers {
    const limits = this.#client.headers;
    for (const name in limits) headers[name] = limits[name] as string;
    if (decision !== null) headers['x-conduit-decision'] = decision;
    headers['x-conduit-model'] = encodeHeaderText(model);
    headers['x-conduit-reason'] = reason;
    headers['x-conduit-propensity'] = String(propensity);
    headers['x-conduit-attempts'] = String(attempts);
    const overheadMs = Math.max(0, this.#clock() - this.#startedAt - this.#upstreamMs);
    headers['x-conduit-overhead-ms'] = overheadMs.toFixed(3);
    this.#overheadMs = overheadMs;
    return headers;
  }

  /** Tells how long an upstream was waited for: that is not Conduit's own time. */
  upstreamTook(ms: number): void {
    this.#upstreamMs += ms;
  }

  /** Begins an answer whose bytes are written to the exchange. */
  begin(status: number, headers: Headers): void {
    this.#begins(status);
    this.#client.exchange.begin(status, headers);
  }

  sendWhole(status: number, bytes: Uint8Array, headers: Headers): void {
    this.#begins(status);
    this.#client.exchange.answer(status, headers, bytes);
  }

  #begins(status: number): void {
    this.#begun = true;
    this.#status ??= status;
    this.#beganAt ??= this.#clock();
  }

  /** What the client got so far. */
  answered(): Answered {
    return {
      status: this.#status,
      firstByteMs: this.#beganAt === null ? null : this.#beganAt - this.#startedAt,
      overheadMs: this.#beganAt === null ? null : this.#overheadMs,
    };
  }

  /** In OpenAI's shape, the secrets blotted out. */
  sendError(error: ApiErrorFields, headers: Headers, secrets: readonly string[]): void {
    const bytes = withoutSecrets(encoder.encode(errorBody(error)), secrets);
    this.sendWhole(error.status, bytes, { 'content-type': 'application/json', ...headers });
  }

  /** Tells a fault of our own. What has begun is cut off, so that it never looks whole. */
  fail(): void {
    if (this.#begun) this.#client.exchange.abort();
    else this.sendError(internalError, {}, []);
  }
}

const encoder = new TextEncoder();
