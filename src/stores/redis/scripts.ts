/** The steps that Redis carries out as a whole, by the names under which they are called. */
import { ADD } from './scripts/add.ts';
import { COVERED } from './scripts/covered.ts';
import { LEASE } from './scripts/lease.ts';
import { LOOK_UP } from './scripts/look-up.ts';
import { MARK_DRAINED } from './scripts/mark-drained.ts';
import { PUT_HEALTH } from './scripts/put-health.ts';
import { PUT_SNAPSHOT } from './scripts/put-snapshot.ts';
import { READ_HEALTH } from './scripts/read-health.ts';
import { READ_LOG } from './scripts/read-log.ts';
import { RECALL } from './scripts/recall.ts';
import { REMEMBER } from './scripts/remember.ts';
import { RESTART } from './scripts/restart.ts';
import { REVISE } from './scripts/revise.ts';
import { REVIVE } from './scripts/revive.ts';
import { STILL_THERE } from './scripts/still-there.ts';
import { TRIM } from './scripts/trim.ts';

export const SCRIPTS = {
  conduitAdd: ADD,
  conduitCovered: COVERED,
  conduitLease: LEASE,
  conduitLookUp: LOOK_UP,
  conduitMarkDrained: MARK_DRAINED,
  conduitPutHealth: PUT_HEALTH,
  conduitPutSnapshot: PUT_SNAPSHOT,
  conduitReadHealth: READ_HEALTH,
  conduitReadLog: READ_LOG,
  conduitRecall: RECALL,
  conduitRemember: REMEMBER,
  conduitRestart: RESTART,
  conduitRevise: REVISE,
  conduitRevive: REVIVE,
  conduitStillThere: STILL_THERE,
  conduitTrim: TRIM,
};
