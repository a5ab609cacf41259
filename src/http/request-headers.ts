/** Conduit's own request headers, each checked: a value that is not understood is an error, never ignored. */
import type { Preference } from '../bandit/utility.ts';
import { decisionTime } from '../routing/decision.ts';
import { type Feedback, readFeedbackText } from '../routing/feedback.ts';
import { badRequest } from './errors.ts';
import { decodeHeaderText } from './header-text.ts';

export interface RequestHeaders {
  feedback: Feedback | null;
  /** The decision that the feedback is about; null: the latest answer of this conversation. */
  decision: string | null;
  session: string | null;
  models: readonly string[] | null;
  prefer: Preference | null;
  maxUsd: number | null;
}

const PREFERENCES = ['quality', 'balanced', 'cost', 'speed'] as const;
const MAX_SESSION_CHARACTERS = 512;

/** Throws a 400 that names the header and what is allowed. */
export function readRequestHeaders(header: (name: string) => string | undefined): RequestHeaders {
  const feedback = header('x-conduit-feedback');
  const decision = header('x-conduit-decision')?.trim();
  const session = header('x-conduit-session')?.trim();
  const models = header('x-conduit-models');
  const prefer = header('x-conduit-prefer')?.trim();
  const maxUsd = header('x-conduit-max-usd')?.trim();

  const parsed = feedback === undefined ? null : readFeedbackText(decodeHeaderText(feedback));
  if (feedback !== undefined && parsed === null) {
    throw badRequest(
      "Invalid 'x-conduit-feedback': allowed are up, down, their kin (thumbs-up, +1, true, …) and a number from 0 to 1.",
      'x-conduit-feedback',
    );
  }
  if (decision !== undefined && decisionTime(decision) === null) {
    throw badRequest(
      "Invalid 'x-conduit-decision': it must be an id that came in a response's x-conduit-decision.",
      'x-conduit-decision',
    );
  }
  if (session !== undefined && (session === '' || session.length > MAX_SESSION_CHARACTERS)) {
    throw badRequest(
      `Invalid 'x-conduit-session': 1 to ${MAX_SESSION_CHARACTERS} characters are allowed.`,
      'x-conduit-session',
    );
  }
  const list = models
    ?.split(',')
    .flatMap((model) => [...new Set([model.trim(), decodeHeaderText(model.trim())])])
    .filter(Boolean);
  if (list?.length === 0)
    throw badRequest("Invalid 'x-conduit-models': a comma-separated list of model ids is allowed.", 'x-conduit-models');
  const preference = PREFERENCES.find((name) => name === prefer);
  if (prefer !== undefined && !preference) {
    throw badRequest(`Invalid 'x-conduit-prefer': allowed are ${PREFERENCES.join(', ')}.`, 'x-conduit-prefer');
  }
  const usd = maxUsd === undefined || maxUsd === '' ? Number.NaN : Number(maxUsd);
  if (maxUsd !== undefined && !(usd >= 0)) {
    throw badRequest(
      "Invalid 'x-conduit-max-usd': a number of US dollars, 0 or more, is allowed.",
      'x-conduit-max-usd',
    );
  }
  return {
    feedback: parsed,
    decision: decision ?? null,
    session: session ?? null,
    models: list ?? null,
    prefer: preference ?? null,
    maxUsd: maxUsd === undefined ? null : usd,
  };
}
