/** A fold over the decisions of one router's log: what happened when, and the latest of them. Pure, and bounded in memory. */
import type { DecisionRecord } from '../stores/decision-record.ts';
import { addDecision, addRevisable, type Bucket, type BucketTerms, emptyBucket, type Revisable } from './bucket.ts';
import { bucketOf, firstBucket, RANGE_NAMES, RANGES, type RangeName } from './ranges.ts';

export interface TimedBucket extends Bucket {
  /** When it begins, in milliseconds since 1970. */
  at: number;
  /** The number of the change that came to it last. */
  changed: number;
}

export interface LatestDecision {
  decision: DecisionRecord;
  changed: number;
}

export interface Activity {
  terms: BucketTerms;
  /** By range, buckets by when they begin. */
  buckets: Readonly<Record<RangeName, Map<number, TimedBucket>>>;
  /** The latest decisions, the latest first. */
  latest: LatestDecision[];
  /** Decisions whose later versions take the place of what they said before, in the order in which they came. */
  open: Map<string, Open>;
  /** The latest time of a decision that is not open any more; milliseconds since 1970, −∞ while all are. */
  closedUpTo: number;
  /** How many changes there were. */
  changes: number;
}

interface Open extends Revisable {
  version: number;
}

/** Decisions that are kept open, some 250 bytes each. Feedback to an older one counts as a change of what it said before. */
const MOST_OPEN = 50_000;
export const MOST_LATEST = 100;

export const emptyActivity = (terms: BucketTerms): Activity => ({
  terms,
  buckets: { minutes: new Map(), hour: new Map(), day: new Map(), month: new Map() },
  latest: [],
  open: new Map(),
  closedUpTo: Number.NEGATIVE_INFINITY,
  changes: 0,
});

/**
 * Counts a decision, or what its later version says in the place of what it said before; a version that is known, or was
 * overtaken, changes nothing. `now` says which buckets are kept. `counted`: whether a decision that was closed long ago has been
 * counted before, as it has once a log has been read to its end.
 */
export function foldDecision(
  activity: Activity,
  decision: DecisionRecord,
  now: number,
  counted: boolean,
  mostOpen = MOST_OPEN,
): void {
  const { id, version, created, model, label } = decision;
  const known = activity.open.get(id);
  if (known && known.version >= version) return;
  const isLate = !known && counted && version > 1 && created <= activity.closedUpTo;
  const before: Revisable | null = known ?? (isLate ? { label: decision.labelBefore ?? label, signals: [] } : null);
  const after: Revisable = { label, signals: isLate ? [] : decision.signals };
  activity.changes++;
  for (const range of RANGE_NAMES) {
    const bucket = bucketFor(activity, range, created, now);
    if (!bucket) continue;
    if (before) addRevisable(bucket, model, before, -1);
    else addDecision(bucket, decision, activity.terms);
    addRevisable(bucket, model, after, 1);
    bucket.changed = activity.changes;
  }
  if (!isLate) {
    const signals = decision.signals.map(({ signal, value }) => ({ signal, value }));
    activity.open.set(id, { version, label, signals });
    if (activity.open.size > mostOpen) closeOldest(activity);
  }
  showLatest(activity, decision, before !== null);
}

/** Null where its time is not shown any more. */
function bucketFor({ buckets }: Activity, name: RangeName, at: number, now: number): TimedBucket | null {
  const range = RANGES[name];
  if (at < firstBucket(range, now)) return null;
  const begins = bucketOf(range, at);
  let bucket = buckets[name].get(begins);
  if (!bucket) {
    bucket = { ...emptyBucket(), at: begins, changed: 0 };
    buckets[name].set(begins, bucket);
    forgetOld(buckets[name], firstBucket(range, now));
  }
  return bucket;
}

function forgetOld(buckets: Map<number, TimedBucket>, first: number): void {
  for (const at of buckets.keys()) if (at < first) buckets.delete(at);
}

function closeOldest(activity: Activity): void {
  const [oldest] = activity.open.keys();
  activity.open.delete(oldest as string);
  activity.closedUpTo = Math.max(activity.closedUpTo, timeIn(oldest as string));
}

/** Ids begin with their time: see `firstIdAt`. */
const timeIn = (id: string): number => Number.parseInt(id.slice(4, 16), 16) || Number.NEGATIVE_INFINITY;

function showLatest({ latest, changes }: Activity, decision: DecisionRecord, isKnown: boolean): void {
  const at = isKnown ? latest.findIndex((one) => one.decision.id === decision.id) : -1;
  const shown = { decision, changed: changes };
  if (at >= 0) {
    latest[at] = shown;
    return;
  }
  if (latest.length >= MOST_LATEST && decision.created < latest.at(-1)!.decision.created) return;
  // Nearly always it is the newest.
  let place = 0;
  while (place < latest.length && latest[place]!.decision.created > decision.created) place++;
  latest.splice(place, 0, shown);
  if (latest.length > MOST_LATEST) latest.pop();
}

/** Those of a range that are shown at this time, the earliest first. */
export function bucketsIn({ buckets }: Activity, name: RangeName, now: number): TimedBucket[] {
  forgetOld(buckets[name], firstBucket(RANGES[name], now));
  return [...buckets[name].values()].sort((one, other) => one.at - other.at);
}
