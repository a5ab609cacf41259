/**
 * How arms and providers' keys are doing: what keeps failing rests, is probed with one request at a time, and comes back
 * with the first answer. A circuit breaker (Nygard, "Release It!"), shared over replicas through the state store.
 */
import type { Model, Provider } from '../config/resolve.ts';
import type { SharedHealth, StateStore } from '../stores/ports.ts';
import type { Verdict } from '../upstream/failures.ts';
import { everySecond } from './every-second.ts';
import { keyedBy } from './keyed.ts';
import { createReliability } from './reliability.ts';
import type { Runtime } from './runtime.ts';

/** Failures in a row after which an arm rests. */
const FAILURES_IN_A_ROW = 3;
/** Or, where answers come in between: this share of recent attempts, out of at least so many. */
const FAILING_SHARE = 0.5;
const FAILING_ATTEMPTS = 10;
const NO_KEY: readonly null[] = [null];
/** The first rest, and the longest; each that follows without an answer in between is twice as long. */
const RESTS_MS = {
  failing: { first: 3_000, longest: 60_000 },
  misconfigured: { first: 30_000, longest: 600_000 },
  rate_limited: { first: 1_000, longest: 60_000 },
};
/** An upstream that asks for more patience than this is asked again all the same. */
const LONGEST_WAIT_MS = 3_600_000;
/** A probe that has not ended by then is no longer waited for. */
const PROBE_MS = 60_000;
/** Rests are jittered by this share, so that replicas do not all probe at once. */
const JITTER = 0.2;
const KEEP_MS = 24 * 60 * 60 * 1000;

export interface Rest {
  reason: SharedHealth['reason'];
  /** Milliseconds since 1970. In the past where the arm is being probed right now. */
  until: number;
}

export interface ArmHealth {
  rest: Rest | null;
  /** The share of recent attempts that were answered, in [0, 1]; null where there were none. */
  reliability: number | null;
}

export interface Health {
  /** Why this arm should not be asked now; null where it may be. */
  restOf(model: Model): Rest | null;
  /** Whether anything rests at all: mostly nothing does, and then no arm need be looked at. */
  someRest(): boolean;
  /** The arms, the one that is likeliest to answer although it rests first. */
  leastBadFirst(models: readonly Model[]): Model[];
  of(model: Model): ArmHealth;
  /** The provider's key to call this arm with: one that does not rest, if there is any; null where it takes none. */
  keyFor(model: Model): string | null;
  /** Says that an attempt begins; what it gives back is told how it ended. */
  begin(model: Model, key: string | null): (verdict: Verdict) => void;
  /** Whether a key of this arm's provider is not resting. */
  hasKeyFor(model: Model): boolean;
  /** The health under another config: what was misconfigured is tried again. */
  follow(providers: ReadonlyMap<string, Provider>): void;
  flush(): Promise<void>;
}

/** An arm, or a provider's key where it calls one arm. */
interface Subject {
  /** Null while it is well. */
  rest: Rest | null;
  strikes: number;
  failuresInARow: number;
  probeUntil: number;
  /** When its rest was last changed, here or by another replica. */
  at: number;
  /** Whether the others have not been told yet. */
  untold: boolean;
}

/** What an attempt asked, as it was known when it began. */
interface Asked {
  name: string;
  at: number;
  /** Until when this attempt is the one that tries it; null where there is nothing to try. */
  probeUntil: number | null;
}

export function createHealth(initial: ReadonlyMap<string, Provider>, state: StateStore, runtime: Runtime): Health {
  let providers = initial;
  const subjects = new Map<string, Subject>();
  const reliability = createReliability(runtime.clock);

  const subjectOf = (name: string): Subject => {
    let subject = subjects.get(name);
    if (!subject) {
      subject = { rest: null, strikes: 0, failuresInARow: 0, probeUntil: 0, at: 0, untold: false };
      subjects.set(name, subject);
    }
    return subject;
  };

  const pulse = everySecond(async () => {
    for (const [name, subject] of subjects) {
      if (!subject.untold) continue;
      const { at, rest, strikes } = subject;
      const shared = { at, until: rest?.until ?? 0, reason: rest?.reason ?? ('failing' as const), strikes };
      await state.putHealth(name, shared, KEEP_MS);
      if (subject.at === at) subject.untold = false;
    }
    for (const [name, { at, until, reason, strikes }] of await state.readHealth()) {
      const subject = subjectOf(name);
      if (at <= subject.at) continue;
      Object.assign(subject, { at, strikes, rest: strikes === 0 ? null : { until, reason }, untold: false });
      if (strikes === 0) subject.failuresInARow = 0;
    }
  }, runtime);

  const change = (subject: Subject, rest: Rest | null, strikes: number): void => {
    // Strictly later than what was known, though clocks of replicas differ a little.
    const at = Math.max(runtime.now(), subject.at + 1);
    Object.assign(subject, { rest, strikes, at, untold: true, probeUntil: 0 });
    pulse.touch();
  };

  /** `null` where it may be asked: it is well, or its rest is over and nobody is probing it. */
  const restOfSubject = (name: string): Rest | null => {
    const subject = subjects.get(name);
    if (!subject?.rest) return null;
    const now = runtime.now();
    if (subject.rest.until > now || subject.probeUntil > now) return subject.rest;
    return null;
  };

  const putToRest = (name: string, reason: Rest['reason'], waitMs: number | null): void => {
    const subject = subjectOf(name);
    const strikes = Math.min(subject.strikes + 1, 20);
    const { first, longest } = RESTS_MS[reason];
    const usual = Math.min(longest, first * 2 ** (strikes - 1)) * (1 + JITTER * (2 * runtime.random() - 1));
    // Never sooner than the upstream asked for.
    const ms = waitMs === null ? usual : Math.min(LONGEST_WAIT_MS, waitMs) * (1 + (JITTER / 2) * runtime.random());
    const isNews = subject.rest === null;
    change(subject, { reason, until: runtime.now() + ms }, strikes);
    const fields = { subject: name, reason, for_ms: Math.round(ms) };
    if (reason === 'misconfigured') {
      runtime.log.error(fields, 'an upstream refuses us: check the key, the model name and the base URL');
    } else if (isNews) runtime.log.warn(fields, 'this rests, since it keeps failing');
  };

  /** Of several that are told to wait at the same time, the longest wait counts. */
  const prolong = (name: string, waitMs: number): void => {
    const subject = subjectOf(name);
    const until = runtime.now() + Math.min(LONGEST_WAIT_MS, waitMs);
    if (subject.rest && subject.rest.until < until) change(subject, { ...subject.rest, until }, subject.strikes);
  };

  /** Until when this request is the one that tries what has rested; null where there is nothing to try. */
  const claimProbe = (name: string): number | null => {
    const subject = subjects.get(name);
    const now = runtime.now();
    // A limit that has run out lets everybody through; what failed is tried by one.
    if (!subject?.rest || subject.rest.until > now || subject.rest.reason === 'rate_limited') return null;
    subject.probeUntil = now + PROBE_MS;
    return subject.probeUntil;
  };

  const recover = (name: string): void => {
    const subject = subjects.get(name);
    if (!subject) return;
    subject.failuresInARow = 0;
    if (!subject.rest && subject.strikes === 0) return;
    change(subject, null, 0);
    runtime.log.info({ subject: name }, 'this answers again');
  };

  const keysOf = (model: Model): readonly (string | null)[] => {
    const keys = providers.get(model.provider)?.apiKeys ?? [];
    return keys.length === 0 ? NO_KEY : keys;
  };
  const hashesOfKeys = keyedBy(runtime, () => new Map<string, string>());
  /** What tells nothing of the key. Those of the config are hashed once; a caller's own is not remembered. */
  const hashOf = (model: Model, key: string): string => {
    const hashes = hashesOfKeys();
    const known = hashes.get(key);
    if (known !== undefined) return known;
    const hash = runtime.digest(`provider key\n${key}`);
    if (providers.get(model.provider)?.apiKeys.includes(key)) hashes.set(key, hash);
    return hash;
  };
  const armName = (model: Model): string => `arm:${model.id}`;
  /** A key where it calls one arm: providers limit, and allow, each of their models by itself. */
  const keyName = (model: Model, key: string | null): string =>
    `key:${key === null ? 'none' : hashOf(model, key)}:${model.id}`;

  /** The key that is usable, or will be soonest. */
  const bestKey = (model: Model): { key: string | null; rest: Rest | null } => {
    let best: { key: string | null; rest: Rest | null } | undefined;
    for (const key of keysOf(model)) {
      if (subjects.size === 0) return { key, rest: null };
      const rest = restOfSubject(keyName(model, key));
      if (!best || untilOf(rest) < untilOf(best.rest)) best = { key, rest };
      if (rest === null) break;
    }
    return best as { key: string | null; rest: Rest | null };
  };

  const restOf = (model: Model): Rest | null => {
    pulse.touch();
    // Most of the time nothing rests, nor has lately.
    if (subjects.size === 0) return null;
    return later(restOfSubject(armName(model)), bestKey(model).rest);
  };

  const lookAtOne = (name: string): Asked => ({
    name,
    at: subjects.get(name)?.at ?? 0,
    probeUntil: claimProbe(name),
  });
  /** What an attempt that begins now asks, and what is known of it. */
  const lookAt = (model: Model, key: string | null): { arm: Asked; ofKey: Asked } => ({
    arm: lookAtOne(armName(model)),
    ofKey: lookAtOne(keyName(model, key)),
  });
  /** The same where nothing was known of anything. */
  const unknownYet = (model: Model, key: string | null): { arm: Asked; ofKey: Asked } => ({
    arm: { name: armName(model), at: 0, probeUntil: null },
    ofKey: { name: keyName(model, key), at: 0, probeUntil: null },
  });
  /** Whether nothing has become known of it since: an answer, or a failure, of before then is no news. */
  const isNews = ({ name, at }: Asked): boolean => at === (subjects.get(name)?.at ?? 0);
  const rest = (asked: Asked, reason: Rest['reason'], waitMs: number | null): void => {
    if (isNews(asked)) putToRest(asked.name, reason, waitMs);
    else if (waitMs !== null) prolong(asked.name, waitMs);
  };

  return {
    restOf,
    someRest() {
      pulse.touch();
      for (const subject of subjects.values()) if (subject.rest !== null) return true;
      return false;
    },
    leastBadFirst(models) {
      const badness = (model: Model): number => {
        const rest = restOf(model);
        return rest === null ? 0 : rest.until + (rest.reason === 'misconfigured' ? LONGEST_WAIT_MS * 2 : 0);
      };
      return models
        .map((model) => ({ model, badness: badness(model) }))
        .sort((a, b) => a.badness - b.badness)
        .map(({ model }) => model);
    },
    of: (model) => ({ rest: restOf(model), reliability: reliability.of(model.id) }),
    keyFor: (model) => bestKey(model).key,
    hasKeyFor: (model) => bestKey(model).rest === null,

    begin(model, key) {
      const asked = subjects.size === 0 ? null : lookAt(model, key);
      return (verdict) => {
        if (verdict.kind !== 'nothing') reliability.note(model.id, verdict.kind === 'fine');
        // Most of the time nothing was ever at fault, nor is now.
        if (asked === null && subjects.size === 0 && (verdict.kind === 'fine' || verdict.kind === 'nothing')) return;
        const { arm, ofKey } = asked ?? unknownYet(model, key);
        if (verdict.kind === 'fine') for (const one of [arm, ofKey]) if (isNews(one)) recover(one.name);
        if (verdict.kind === 'misconfigured') rest(verdict.ofKey ? ofKey : arm, 'misconfigured', null);
        if (verdict.kind === 'rate_limited') rest(ofKey, 'rate_limited', verdict.waitMs);
        if (verdict.kind === 'failed' && isNews(arm)) {
          const subject = subjectOf(arm.name);
          subject.failuresInARow++;
          const wasProbed = subject.rest !== null && subject.rest.until <= runtime.now();
          const isResting = subject.rest !== null && !wasProbed;
          const keepsFailing = reliability.isBelow(model.id, 1 - FAILING_SHARE, FAILING_ATTEMPTS);
          if (wasProbed || (!isResting && (subject.failuresInARow >= FAILURES_IN_A_ROW || keepsFailing)))
            putToRest(arm.name, 'failing', null);
        }
        for (const { name, probeUntil } of [arm, ofKey]) {
          const subject = subjects.get(name);
          if (subject && probeUntil !== null && subject.probeUntil === probeUntil) subject.probeUntil = 0;
        }
      };
    },

    follow(next) {
      providers = next;
      hashesOfKeys().clear();
      for (const subject of subjects.values()) if (subject.rest?.reason === 'misconfigured') change(subject, null, 0);
    },
    flush: pulse.flush,
  };
}

const untilOf = (rest: Rest | null): number => rest?.until ?? 0;

const later = (one: Rest | null, other: Rest | null): Rest | null => (untilOf(one) >= untilOf(other) ? one : other);
