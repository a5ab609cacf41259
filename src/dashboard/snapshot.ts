/** All that the page shows of a router, as plain JSON: what is believed now, and what happened. */
import type { Gateway } from '../http/gateway.ts';
import { type RouterView, routerView } from '../http/routers.ts';
import type { Learner } from '../routing/learner.ts';
import { nextRates, shownRates } from '../signals/prior-rates.ts';
import { NEXT, SHOWN, switchOf } from '../signals/signs.ts';
import { type ActivityJson, activityJson } from './activity-json.ts';
import type { Followed } from './follow-log.ts';
import type { RangeName } from './ranges.ts';

export interface Snapshot {
  routers: string[];
  /** Whether there is a session that can be ended. */
  signed_in_as: string | null;
  /** Milliseconds since 1970. */
  now: number;
  baseline: string;
  prefer: Learner['router']['prefer'];
  learned: RouterView;
  worth: ReturnType<typeof worthOf>;
  log: { read: number; whole: boolean; trouble: string | null };
  activity: ActivityJson;
}

interface Seen {
  gateway: Gateway;
  learner: Learner;
  followed: Followed;
  range: RangeName;
  signedInAs: string | null;
  /** Why the log cannot be read now; null where it can. */
  trouble: string | null;
}

/** `since`: the number of changes up to which the page has read before. */
export function snapshotOf(
  { gateway, learner, followed, range, signedInAs, trouble }: Seen,
  since: number,
  now: number,
): Snapshot {
  const { read, isWhole, activity } = followed;
  return {
    routers: [...gateway.learners.keys()],
    signed_in_as: signedInAs,
    now,
    baseline: activity.terms.baseline,
    prefer: learner.router.prefer,
    learned: routerView(gateway, learner),
    worth: worthOf(learner),
    log: { read, whole: isWhole, trouble },
    activity: activityJson(activity, range, since, learner.calibration(), now),
  };
}

/** What each sign has proved worth: how many times as often it comes with a good answer as with a bad one. */
function worthOf({ router, calibration }: Learner) {
  const worth = calibration();
  const sign = (signal: (typeof SHOWN)[number] | (typeof NEXT)[number], ratio: number, table: readonly number[]) => ({
    signal,
    ratio: Number(Math.exp(ratio).toPrecision(4)),
    at_first: Number(((table[0] as number) / (table[1] as number)).toPrecision(4)),
  });
  const isOn = (signal: (typeof SHOWN)[number] | (typeof NEXT)[number]): boolean =>
    signal === 'fine' || (signal !== 'pending' && signal !== 'unclear' && !router.signalsOff.has(switchOf(signal)));
  return {
    mean: Number(worth.mean.toPrecision(4)),
    /** What an answer of which signs alone are known counts beside a rated one. */
    unfollowed: Number(worth.unfollowed.toPrecision(4)),
    followed: Number(worth.followed.toPrecision(4)),
    signs: [
      ...SHOWN.flatMap((signal, code) =>
        isOn(signal) ? [sign(signal, worth.shownRatio(code), shownRates(code))] : [],
      ),
      ...NEXT.flatMap((signal, code) => (isOn(signal) ? [sign(signal, worth.nextRatio(code), nextRates(code))] : [])),
    ],
    off: [...router.signalsOff],
  };
}
