/** What a failed attempt means for the request: whether another arm may answer it, and what the client is told. */
import type { AttemptEnd } from './attempt.ts';

/** Codes with which a provider says that this model, not this request, is at fault: another arm may well take it. */
const ONLY_THIS_ARM = new Set([
  'unsupported_parameter',
  'unsupported_value',
  'context_length_exceeded',
  'unknown_parameter',
  'model_not_found',
]);

/** Statuses that speak of the provider or of its set-up, never of the request. */
const ABOUT_THE_PROVIDER = new Set([401, 402, 403, 404, 408, 409, 429]);

/** Whether the upstream refused the request itself: where no other arm is left, its status and body pass through. */
export function isRefusal({ outcome, status, body }: AttemptEnd): boolean {
  if (outcome !== 'upstream_error' || status === null || body === null) return false;
  return status >= 400 && status < 500 && !ABOUT_THE_PROVIDER.has(status);
}

/** Whether every other arm would refuse it too, so that none is asked. */
export function isOnAccountOfTheRequest(end: AttemptEnd): boolean {
  return isRefusal(end) && !ONLY_THIS_ARM.has(codeOf(end.body) ?? '');
}

export interface FinalFailure {
  status: 429 | 502 | 504;
  message: string;
  code: string;
  retryAfter: string | null;
}

/** What the client is told when no attempt gave an answer. Never shows what a provider said of our own key. */
export function finalFailure(attempts: readonly AttemptEnd[]): FinalFailure {
  const last = attempts.at(-1) as AttemptEnd;
  const about =
    last.status === 401 || last.status === 403 ? `status ${last.status}, check the provider's key` : last.message;
  const message =
    attempts.length === 1 ? `The upstream failed: ${about}` : `All ${attempts.length} arms failed; the last: ${about}`;
  if (attempts.every((end) => end.status === 429)) {
    return { status: 429, message, code: 'rate_limit_exceeded', retryAfter: smallestRetryAfter(attempts) };
  }
  if (attempts.every((end) => end.outcome === 'timeout')) {
    return { status: 504, message, code: 'upstream_timeout', retryAfter: null };
  }
  return { status: 502, message, code: 'upstream_error', retryAfter: null };
}

function smallestRetryAfter(attempts: readonly AttemptEnd[]): string {
  const seconds = attempts.map((end) => Number(end.headers['retry-after'])).filter((value) => value >= 0);
  return String(seconds.length > 0 ? Math.ceil(Math.min(...seconds)) : 1);
}

/** The code of an error body in OpenAI's shape; null where there is none. */
export function codeOf(body: Uint8Array | null): string | null {
  try {
    const code = (
      JSON.parse(new TextDecoder().decode(body ?? new Uint8Array())) as { error?: { code?: unknown } | null }
    )?.error?.code;
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}

/** The bytes with the provider's keys blotted out: some upstreams repeat what they were sent. */
export function withoutSecrets(body: Uint8Array, secrets: readonly string[]): Uint8Array {
  if (secrets.length === 0) return body;
  const text = new TextDecoder().decode(body);
  const clean = secrets.reduce((left, secret) => left.replaceAll(secret, '[provider key]'), text);
  return clean === text ? body : new TextEncoder().encode(clean);
}
