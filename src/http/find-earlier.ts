/** Looks for the conversation that a request goes on with, for as long as the request may wait for that. */
import type { Asked } from '../routing/follow-ups.ts';
import type { LookUpEnd } from '../routing/look-ups.ts';
import type { Found } from '../stores/ports.ts';
import { within } from '../within.ts';
import type { Gateway } from './gateway.ts';

/** Null where nothing is found in time. Never rejects. */
export async function findEarlier(
  { followUps, lookUps, runtime }: Pick<Gateway, 'followUps' | 'lookUps' | 'runtime'>,
  asked: Asked,
  router: string,
): Promise<Found | null> {
  const own = followUps.findHere(asked);
  if (own) {
    lookUps.count(router, 'cached');
    return own;
  }
  const looking = followUps.find(asked, router);
  // Nobody is asked about a first message.
  if (!looking) return null;
  let end: LookUpEnd = 'late';
  const found = await within(
    runtime.lookUp.deadlineMs,
    looking.then(
      (one) => {
        end = one ? 'found' : 'unknown';
        return one;
      },
      () => {
        end = 'failed';
        return null;
      },
    ),
  );
  lookUps.count(router, end);
  return found;
}
