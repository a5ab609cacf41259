/** The event by which a client is told that its stream has broken off. */
import type { OutcomeKind } from './outcome.ts';

/** OpenAI's clients raise an `APIError` with this message when an event holds `error`. */
export function errorEvent(outcome: OutcomeKind, message: string): Uint8Array {
  const type = outcome === 'timeout' ? 'timeout_error' : 'upstream_error';
  // The same as where the answer had not begun.
  const code = outcome === 'timeout' ? 'upstream_timeout' : outcome;
  const error = { message: `The upstream broke off: ${message}`, type, param: null, code };
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify({ error })}\n\n`);
}
