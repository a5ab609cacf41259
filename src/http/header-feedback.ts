/** Feedback that comes along in a completion's headers, about an earlier answer. */
import type { Lineage } from '../routing/lineage.ts';
import { type Caller, maySee } from './authenticate.ts';
import type { Gateway } from './gateway.ts';
import type { RequestHeaders } from './request-headers.ts';

/** How long an answer is waited for that is being kept still: it is no client's time. */
const NOBODY_WAITS_MS = 60_000;

/** Feedback in a header never fails or delays the completion that it came with; what is wrong with it is logged. */
export async function takeFeedback(
  gateway: Gateway,
  headers: RequestHeaders,
  lineage: Lineage,
  caller: Caller,
): Promise<void> {
  const { ledger, observer, runtime } = gateway;
  try {
    const { session, answered, latest, question, older } = lineage;
    const names = [session, answered, ...latest, question, ...older].filter((name) => name !== null);
    const found = headers.decision === null ? await ledger.findByName(names) : await ledger.find(headers.decision);
    const visible = found && maySee(caller, found) ? found : null;
    const feedback = headers.feedback as NonNullable<typeof headers.feedback>;
    const result = visible ? await ledger.giveFeedback(visible.id, feedback, NOBODY_WAITS_MS) : null;
    if (!result || !('decision' in result)) {
      runtime.log.warn(
        { decision: headers.decision, status: result?.status ?? 'not_found' },
        'feedback in a header was about no decision known here',
      );
      return;
    }
    observer.rated(result.decision.router, feedback.signal, result.status);
  } catch (error) {
    runtime.log.error({ err: error }, 'feedback in a header could not be kept');
  }
}
