/** `POST /v1/feedback`: what a person says of an answer, by decision id or completion id. */
import type { Context } from 'hono';
import {
  ALLOWED_VALUES,
  type ExplicitSignal,
  type Feedback,
  normaliseValue,
  SIGNALS,
  whyUnknown,
} from '../routing/feedback.ts';
import type { DecisionRecord } from '../stores/decision-record.ts';
import { type Caller, maySee } from './authenticate.ts';
import { completionName } from './completion-name.ts';
import { ApiError, badRequest, bodyTooLarge } from './errors.ts';
import type { Gateway } from './gateway.ts';
import { readRequestHeaders } from './request-headers.ts';
import { readJsonObject } from './wire.ts';

interface Wanted {
  decisionId: string | null;
  completionId: string | null;
  feedback: Feedback;
}

const MAX_FEEDBACK_BYTES = 64 * 1024;
const MAX_COMMENT_CHARACTERS = 10_000;
const MAX_ID_CHARACTERS = 512;

export async function postFeedback(context: Context, gateway: Gateway, caller: Caller): Promise<Response> {
  const { ledger, observer, runtime } = gateway;
  const bytes = await gateway.openExchange(context).readBody(MAX_FEEDBACK_BYTES);
  if (bytes === 'gone') return new Response(null, { status: 400 });
  if (bytes === 'too_large') throw bodyTooLarge(MAX_FEEDBACK_BYTES);
  const wanted = bytes.length === 0 ? fromHeaders(context) : fromBody(readJsonObject(bytes).value);

  const found =
    wanted.decisionId === null
      ? await findByCompletion(wanted.completionId as string, caller, gateway)
      : await ledger.find(wanted.decisionId);
  // Another key's decision is told apart from an unknown one by nobody.
  if (!found || !maySee(caller, found)) throw unknown(wanted, runtime.now());
  const result = await ledger.giveFeedback(found.id, wanted.feedback);
  if (!('decision' in result)) {
    if (result.status === 'too_old') throw tooOld();
    if (result.status === 'not_found') throw unknown(wanted, runtime.now());
    const headers = { 'retry-after': '1' };
    throw new ApiError({ status: 503, message: 'The decision is being changed by others; try again.', headers });
  }
  const { status, decision } = result;
  observer.rated(decision.router, wanted.feedback.signal, status);
  return context.json({ object: 'feedback', decision_id: decision.id, status, reward: decision.reward });
}

/** Among the answers that this caller may rate: an admin's may be any key's. */
async function findByCompletion(
  completionId: string,
  caller: Caller,
  { config, ledger, runtime }: Gateway,
): Promise<DecisionRecord | null> {
  const owners = caller.admin ? [caller.name, ...config.keys.map((key) => key.name)] : [caller.name];
  const found = await ledger.findByNameSoon(owners.map((owner) => completionName(completionId, owner, runtime.digest)));
  // A store may know names by their hash alone, and this one is the caller's to choose. Null: it is still on its way.
  const isIt = found !== null && (found.completionId === null || found.completionId === completionId);
  return isIt ? found : null;
}

function fromHeaders(context: Context): Wanted {
  const { feedback, decision } = readRequestHeaders((name) => context.req.header(name));
  if (!feedback || decision === null) {
    throw badRequest(
      'Send a JSON body with decision_id or completion_id, signal and value, or the headers x-conduit-feedback and x-conduit-decision.',
    );
  }
  return { decisionId: decision, completionId: null, feedback };
}

function fromBody(body: Record<string, unknown>): Wanted {
  const decisionId = optionalText(body, 'decision_id', MAX_ID_CHARACTERS);
  const completionId = optionalText(body, 'completion_id', MAX_ID_CHARACTERS);
  if ((decisionId === null) === (completionId === null)) {
    throw badRequest("Exactly one of 'decision_id' and 'completion_id' is needed.", 'decision_id');
  }
  const signal = SIGNALS.find((name) => name === body.signal) as ExplicitSignal | undefined;
  if (!signal) throw badRequest(`Invalid 'signal': allowed are ${SIGNALS.join(', ')}.`, 'signal');
  const value = normaliseValue(signal, body.value);
  if (value === null) throw badRequest(`Invalid 'value': for ${signal} it must be ${ALLOWED_VALUES[signal]}.`, 'value');
  const comment = optionalText(body, 'comment', MAX_COMMENT_CHARACTERS) ?? undefined;
  const idempotencyKey = optionalText(body, 'idempotency_key', MAX_ID_CHARACTERS) ?? undefined;
  return { decisionId, completionId, feedback: { signal, value, comment, idempotencyKey } };
}

function optionalText(body: Record<string, unknown>, name: string, maxCharacters: number): string | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string' || value === '' || value.length > maxCharacters) {
    throw badRequest(`Invalid '${name}': a string of 1 to ${maxCharacters} characters is allowed.`, name);
  }
  return value;
}

function unknown({ decisionId }: Wanted, now: number): ApiError {
  if (decisionId !== null && whyUnknown(decisionId, now) === 'too_old') return tooOld();
  const param = decisionId === null ? 'completion_id' : 'decision_id';
  return new ApiError({
    status: 404,
    message: `No decision is known by this ${param}.`,
    param,
    code: 'decision_not_found',
  });
}

function tooOld(): ApiError {
  return new ApiError({
    status: 410,
    message: 'The decision is older than 24 hours and takes no feedback any more.',
    code: 'feedback_window_closed',
  });
}
