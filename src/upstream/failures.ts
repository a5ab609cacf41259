/** What a failed attempt means: for the request (may another arm answer it?), for the arm, and for what the client is told. */
import type { Provider } from '../config/resolve.ts';
import type { AttemptEnd } from './outcome.ts';
import { retryAfterMs } from './retry-after.ts';

/** Statuses that speak of the provider or of its set-up, never of the request. */
const ABOUT_THE_PROVIDER = new Set([401, 402, 403, 404, 408, 409, 425, 429]);

/** Of those, the ones that no waiting mends: a key, a payment, a name. */
const MISCONFIGURED = new Set([401, 402, 403, 404]);

/** Some providers say so with a 400. */
const MODEL_NOT_FOUND = 'model_not_found';

/** How providers word, with a 403, that they will not take this prompt: another one they would. */
const ABOUT_THE_PROMPT = /flagged|moderat|content[ _-]?(policy|filter)|safety|guardrail/i;

/** What an attempt says of how its arm is doing. */
export type Verdict =
  | { kind: 'fine' | 'failed' | 'nothing' }
  /** `ofKey`: another key of the provider may do. */
  | { kind: 'misconfigured'; ofKey: boolean }
  /** `waitMs`: null where the upstream did not say how long. */
  | { kind: 'rate_limited'; waitMs: number | null };

/** `now` is milliseconds since 1970, for a `retry-after` that is a date. */
export function verdictOf(end: AttemptEnd, now: number): Verdict {
  const { outcome, status } = end;
  if (outcome === 'completed') return { kind: 'fine' };
  // A client that leaves in mid-answer has been answered; one that leaves before has seen nothing.
  if (outcome === 'client_abort') return { kind: end.begun ? 'fine' : 'nothing' };
  if (isRefusal(end)) return { kind: 'nothing' };
  if (outcome === 'upstream_error' && status !== null && !end.begun) {
    const waitMs = retryAfterMs(end.headers, now);
    if (status === 429) return { kind: 'rate_limited', waitMs };
    if (status === 503 && waitMs !== null) return { kind: 'rate_limited', waitMs };
    if (status === 403 && ABOUT_THE_PROMPT.test(wordsOf(end.body))) return { kind: 'nothing' };
    if (MISCONFIGURED.has(status) || codeOf(end.body) === MODEL_NOT_FOUND)
      return { kind: 'misconfigured', ofKey: status === 401 };
  }
  return { kind: 'failed' };
}

/** What is held against the arm: what concerns a key of the caller's own says nothing of it, others call it with theirs. */
export const heldAgainstArm = (verdict: Verdict, { passthrough }: Pick<Provider, 'passthrough'>): Verdict =>
  passthrough && (verdict.kind === 'misconfigured' || verdict.kind === 'rate_limited') ? { kind: 'nothing' } : verdict;

/** Whether the upstream refused the request itself: where no other arm is left, its status and body pass through. */
export function isRefusal({ outcome, status, body }: AttemptEnd): boolean {
  if (outcome !== 'upstream_error' || status === null || body === null) return false;
  return status >= 400 && status < 500 && !ABOUT_THE_PROVIDER.has(status) && codeOf(body) !== MODEL_NOT_FOUND;
}

/** Whether every other arm would refuse it too, so that none is asked. */
export const isOnAccountOfTheRequest = (end: AttemptEnd): boolean => isRefusal(end) && ownRefusal(end) === null;

/** Why only this arm refuses a request. */
export interface OwnRefusal {
  /** A parameter that it does not know, a value that it does not take, or more tokens than it holds. */
  kind: 'field' | 'value' | 'context';
  /** The field that the error names as `param`, at the top of the body; null where it names none. */
  param: string | null;
  /** What the error says in words, cut to a sensible length. */
  text: string;
  /** Whether a code said so. Words may repeat what the caller wrote. */
  byCode: boolean;
}

const KIND_OF_CODE: Readonly<Record<string, OwnRefusal['kind']>> = {
  unsupported_parameter: 'field',
  unknown_parameter: 'field',
  unsupported_value: 'value',
  context_length_exceeded: 'context',
};

/** How providers that have no such codes word the same (vLLM, Mistral, Groq, Anthropic and servers made with FastAPI or Go). */
const KIND_OF_TEXT: readonly (readonly [OwnRefusal['kind'], RegExp])[] = [
  ['context', /context (length|window|size)|maximum context|prompt is too long|too many (input |prompt )?tokens/i],
  ['field', /(unknown|unrecogni[sz]ed|unexpected|unsupported) (request )?(field|param|argument|propert|key)/i],
  ['field', /extra_forbidden|extra (inputs?|fields?|properties) (are|is)? ?not permitted|additional properties/i],
  ['field', /\b(not|un|n['’]t) ?support(ed)?\b|only support(s|ed)\b/i],
];

const MAX_ERROR_TEXT = 4_000;

/** What only this arm would refuse, told by its code or, where there is none, by its words; null for everything else. */
export function ownRefusal(end: AttemptEnd): OwnRefusal | null {
  if (!isRefusal(end) || (end.status !== 400 && end.status !== 422)) return null;
  const text = wordsOf(end.body);
  const error = errorOf(end.body);
  const param = typeof error?.param === 'string' ? (/^\w+$/.exec(error.param)?.[0] ?? null) : null;
  const code = codeOf(end.body);
  const told = code === null ? undefined : KIND_OF_CODE[code];
  const kind = told ?? (code === null ? KIND_OF_TEXT.find(([, words]) => words.test(text))?.[0] : undefined);
  return kind === undefined ? null : { kind, param, text, byCode: told !== undefined };
}

/** An error's own words, wherever its server puts them; never the request, which some repeat beside them. */
function wordsOf(body: Uint8Array | null): string {
  const whole = jsonOf(body) as { error?: unknown; message?: unknown; detail?: unknown } | null;
  if (typeof whole !== 'object' || whole === null) return '';
  const { error } = whole;
  const inError = typeof error === 'object' && error !== null ? Object.values(error) : [error];
  // FastAPI's shape: where, what, and which rule.
  const inDetail = (Array.isArray(whole.detail) ? whole.detail : [whole.detail]).flatMap((one) =>
    typeof one === 'object' && one !== null ? [one.msg, one.type, ...(Array.isArray(one.loc) ? one.loc : [])] : [one],
  );
  const words = [...inError, whole.message, ...inDetail].filter((word) => typeof word === 'string');
  return words.join('\n').slice(0, MAX_ERROR_TEXT);
}

export interface FinalFailure {
  status: 429 | 502 | 504;
  message: string;
  code: string;
  /** Whole seconds. */
  retryAfter: string | null;
}

/** What the client is told when no attempt gave an answer. Never shows what a provider said of our own key. */
export function finalFailure(attempts: readonly AttemptEnd[], now: number): FinalFailure {
  const last = attempts.at(-1) as AttemptEnd;
  const about =
    last.status === 401 || last.status === 403 ? `status ${last.status}, check the provider's key` : last.message;
  const message =
    attempts.length === 1
      ? `The upstream failed: ${about}`
      : `All ${attempts.length} attempts failed; the last: ${about}`;
  if (attempts.every((end) => end.status === 429)) {
    const waits = attempts.map((end) => retryAfterMs(end.headers, now)).filter((wait) => wait !== null);
    const retryAfter = String(waits.length > 0 ? Math.max(1, Math.ceil(Math.min(...waits) / 1000)) : 1);
    return { status: 429, message, code: 'rate_limit_exceeded', retryAfter };
  }
  if (attempts.every((end) => end.outcome === 'timeout')) {
    return { status: 504, message, code: 'upstream_timeout', retryAfter: null };
  }
  return { status: 502, message, code: 'upstream_error', retryAfter: null };
}

/** The code of an error body in OpenAI's shape; null where there is none. */
export function codeOf(body: Uint8Array | null): string | null {
  const code = errorOf(body)?.code;
  return typeof code === 'string' ? code : null;
}

function errorOf(body: Uint8Array | null): { code?: unknown; param?: unknown } | null {
  const error = (jsonOf(body) as { error?: unknown } | null)?.error;
  return typeof error === 'object' ? error : null;
}

function jsonOf(body: Uint8Array | null): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body ?? new Uint8Array()));
  } catch {
    return null;
  }
}

/** What no client may see of a provider: its keys, and what of its headers is long enough to be one. */
export const secretsOf = ({ apiKeys, headers }: Pick<Provider, 'apiKeys' | 'headers'>): readonly string[] => [
  ...apiKeys,
  ...Object.values(headers).filter((value) => value.length >= 8),
];

/** The bytes with the provider's keys blotted out: some upstreams repeat what they were sent. */
export function withoutSecrets(body: Uint8Array, secrets: readonly string[]): Uint8Array {
  if (secrets.length === 0) return body;
  const text = new TextDecoder().decode(body);
  const clean = secrets.reduce((left, secret) => left.replaceAll(secret, '[provider key]'), text);
  return clean === text ? body : new TextEncoder().encode(clean);
}
