/**
 * What is believed of what a router has learned: derived from its fold off the response path, in slices of time or, where processor
 * time is counted by request, in steps that requests pay for.
 */
import type { Fold } from '../bandit/fold.ts';
import { PACED_BY } from '../bandit/pacing.ts';
import { derivingPosterior, type Posterior } from '../bandit/posterior.ts';
import { recentRequests } from '../bandit/recent-requests.ts';
import { finished, type Steps } from '../bandit/steps.ts';
import { type Preference, type Rates, ratesFor } from '../bandit/utility.ts';
import type { Model, Router } from '../config/resolve.ts';
import { type Calibration, calibrate } from '../signals/calibration.ts';
import type { Pacer } from './pacing.ts';
import type { Runtime } from './runtime.ts';

export interface Deriving {
  /** Where requests pay for it, it is first derived for the one that asks: before that, more may have come. */
  believed(): Posterior;
  /** The same where it has been derived, else null. */
  known(): Posterior | null;
  /** How far in the log it goes. */
  cursor(): string;
  /** When it was derived, in milliseconds since 1970. */
  at(): number;
  calibration(): Calibration;
  rates(preference: Preference): Rates;
  /** Derives it anew; others are served between the slices. */
  bySlices(): Promise<void>;
  /** How long to rest after that, in milliseconds; none where it is not positive. */
  restMs(): number;
  /** Begins a turn, which may take so many steps. */
  beginTurn(steps: number): void;
  /** Begins to derive it anew, or goes on, as far as this turn may; false where it is not over then. */
  bySteps(): boolean;
  /** Begun by one request and not over yet: the fold must stay as it is. */
  isUnderway(): boolean;
  /**
   * Whether so much is new, or so much time has passed, that it is worth what this turn may take; always where that is any number of
   * steps. `isBehind`: the log goes on behind the fold.
   */
  isDue(isBehind: boolean): boolean;
}

export interface DerivingParts {
  router: Router;
  arms: readonly Model[];
  pacer: Pacer | null;
  runtime: Pick<Runtime, 'now' | 'clock' | 'stepsARequest'>;
  /** What has been learned by now, and how far in the log that is. */
  learned: () => { fold: Fold; cursor: string };
  /** Told of each time that it is derived. */
  derived: () => void;
  /** Told that it goes on. */
  goesOn: () => void;
}

interface Underway {
  steps: Steps<Posterior>;
  fold: Fold;
  /** How far what is derived from goes. */
  cursor: string;
}

/** Of deriving at once: then whoever waits to be served comes first. */
const SLICE_MS = 2;
/** However long deriving took, as on a machine that was busy with something else. */
const LONGEST_REST_MS = 1_000;
/**
 * Deriving may take this share of one processor; under load posteriors are then derived for many entries at once. The more
 * entries there are the less each of them moves the choice, and the smaller is the share.
 */
const shareFor = (entries: number): number => Math.min(0.1, Math.max(0.01, 50 / entries));
/** Of that share where nobody has said anything new: lengths and times alone move the choice little. */
const UNLABELLED = 0.25;
/** By steps it is begun once there is so much that is new, as a share of what is known, or after so long. */
const DUE = { newShare: 0.01, mostNew: 200, ms: 60_000 };

export function createDeriving({ router, arms, pacer, runtime, learned, derived, goesOn }: DerivingParts): Deriving {
  const { stepsARequest } = runtime;
  let calibration: Calibration;
  let posterior: Posterior | null = null;
  let { cursor } = learned();
  let at = runtime.now();
  /** The same by the steady clock; −∞ before the first that a turn has derived. */
  let derivedAt = Number.NEGATIVE_INFINITY;
  let { entries: entriesDerived, labels: labelsDerived } = learned().fold;
  let ratesByPreference = new Map<Preference, Rates>();
  let underway: Underway | null = null;
  let stepsLeft = Number.POSITIVE_INFINITY;
  let restUntil = 0;
  let derivations = 0;

  function* derivingFrom(fold: Fold): Steps<Posterior> {
    const found = yield* derivingPosterior(
      fold,
      arms,
      (seen) => {
        calibration = calibrate(seen, router.signalsOff);
        return calibration;
      },
      router.guarantee,
    );
    if (pacer) yield* pacer.learning(found, recentRequests(fold, PACED_BY));
    return found;
  }

  const believed = (): Posterior => {
    if (!posterior) {
      const { fold, cursor: upTo } = learned();
      posterior = finished(derivingFrom(fold));
      cursor = upTo;
    }
    return posterior;
  };

  const take = (found: Posterior, fold: Fold, upTo: string): void => {
    posterior = found;
    cursor = upTo;
    ratesByPreference = new Map();
    entriesDerived = fold.entries;
    labelsDerived = fold.labels;
    derivedAt = runtime.clock();
    at = runtime.now();
    derived();
  };

  if (stepsARequest === undefined) believed();
  return {
    believed,
    known: () => posterior,
    cursor: () => cursor,
    at: () => at,
    calibration() {
      believed();
      return calibration;
    },
    rates(preference) {
      let rates = ratesByPreference.get(preference);
      if (!rates) {
        rates = ratesFor(preference, believed(), arms);
        // A preference given as numbers in a header is a new object each time: only names are worth keeping.
        if (typeof preference === 'string') ratesByPreference.set(preference, rates);
      }
      return rates;
    },

    /** In slices, since the fold stays as it is in this turn: deriving all of it at once would keep everybody else waiting. */
    async bySlices() {
      const { fold, cursor: upTo } = learned();
      const deriving = derivingFrom(fold);
      const derivation = ++derivations;
      let took = 0;
      for (;;) {
        const started = runtime.clock();
        let step = deriving.next();
        while (!step.done && runtime.clock() - started < SLICE_MS) step = deriving.next();
        took += runtime.clock() - started;
        if (step.done) {
          const share = shareFor(fold.entries) * (fold.labels === labelsDerived ? UNLABELLED : 1);
          take(step.value, fold, upTo);
          restUntil = runtime.clock() + Math.min(LONGEST_REST_MS, took * (1 / share - 1));
          return;
        }
        goesOn();
        await new Promise((resolve) => setTimeout(resolve, 0));
        // It was given up meanwhile, and another has begun.
        if (derivation !== derivations) return;
      }
    },
    restMs: () => restUntil - runtime.clock(),

    beginTurn(steps) {
      stepsLeft = steps;
    },
    bySteps() {
      if (!underway) {
        const { fold, cursor: upTo } = learned();
        underway = { steps: derivingFrom(fold), fold, cursor: upTo };
      }
      const { steps, fold, cursor: upTo } = underway;
      for (;;) {
        if (stepsLeft-- <= 0) return false;
        const step = steps.next();
        if (!step.done) continue;
        underway = null;
        take(step.value, fold, upTo);
        return true;
      }
    },
    isUnderway: () => underway !== null,
    isDue(isBehind) {
      if (stepsLeft === Number.POSITIVE_INFINITY || runtime.clock() - derivedAt >= DUE.ms) return true;
      const { entries, labels } = learned().fold;
      // What is said of answers that are known already counts as much as further answers.
      const added = Math.max(entries - entriesDerived, labels - labelsDerived);
      const isMuch = added >= Math.min(DUE.mostNew, entries * DUE.newShare);
      // Nothing is read while it is derived: whoever is behind would stay behind.
      return isMuch && !isBehind;
    },
  };
}
