/** The event by which a client is told that its stream has broken off. */
import type { OpenEvent } from './open-event.ts';
import type { OutcomeKind } from './outcome.ts';

/** OpenAI's clients raise an `APIError` with this message when an event holds `error`. `open`: what the client has had so far. */
export function errorEvent(outcome: OutcomeKind, message: string, open: OpenEvent): Uint8Array {
  const type = outcome === 'timeout' ? 'timeout_error' : 'upstream_error';
  // The same as where the answer had not begun.
  const code = outcome === 'timeout' ? 'upstream_timeout' : outcome;
  const error = { message: `The upstream broke off: ${message}`, type, param: null, code };
  return new TextEncoder().encode(`${open.closing()}data: ${JSON.stringify({ error })}\n\n`);
}
