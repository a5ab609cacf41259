/** Which arms have changed so lately that their log does not say so yet, and what they have shown without their old selves. */
import type { ArmSums } from './arm-sums.ts';
import type { Fold } from './fold.ts';
import type { ArmFit } from './hierarchy.ts';
import { earlierResiduals, type RecentLabel, recentLabels, sinceChange, worthOfBefore } from './labelled-sums.ts';
import { changeIn } from './recent-change.ts';
import type { SignWorth } from './sign-sums.ts';
import type { Sums } from './sums.ts';

/** An arm that is found to have changed, with all that the log needs to be told of it. */
export interface NoticedChange {
  /** The id that it has now. */
  arm: string;
  /** The first decision of what the arm is now that has a label, and its time, milliseconds since 1970. */
  decisionId: string;
  since: number;
  /** How often what came before shall count, in (0, 1). */
  worthBefore: number;
  /** By how much its quality has moved. */
  shift: number;
  /** Whether it may be told still: every fold has all decisions since open, and will have when it hears of it. */
  canBeTold: boolean;
}

export interface WithoutOldSelves {
  /** By arm, what it has shown: before it changed counting for little. */
  labelled: readonly Sums[];
  changes: readonly NoticedChange[];
}

/** `sums`: by arm, under all its ids; `labelled` and `fits`: what they amount to, and what is believed for that. */
export function withoutOldSelves(
  fold: Fold,
  arms: readonly { id: string; was: readonly string[] }[],
  sums: readonly ArmSums[],
  labelled: readonly Sums[],
  fits: readonly ArmFit[],
  worth: SignWorth,
  scale: number,
): WithoutOldSelves {
  const expected = arms.map(({ id, was }, k) => ({
    ids: [id, ...was],
    weights: fits[k]!.mean,
    // What it was before its latest change is known not to be what it is.
    since: sums[k]!.changes[0]?.since ?? Number.NEGATIVE_INFINITY,
  }));
  const recent = recentLabels(fold, worth, expected);
  const changes: NoticedChange[] = [];
  const without = labelled.map((ofArm, k) => {
    const labels = recent[k]!;
    const hasChanged = sums[k]!.changes.length > 0;
    const change = changeIn(labels, earlierResiduals(ofArm, labels, fits[k]!.mean, scale, hasChanged));
    if (change === null) return ofArm;
    const since = labels.slice(change.from);
    const worthBefore = worthOfBefore(ofArm, since, scale);
    if (worthBefore === null) return ofArm;
    changes.push(noticed(fold, arms[k]!.id, since[0]!, worthBefore, change.shift));
    return sinceChange(ofArm, since, fold.settings.dimensions, worthBefore);
  });
  return { labelled: without, changes };
}

/**
 * How much of the time and of the room in which decisions are open may be over: another process hears of the change a little
 * later, and reads the log in another order when it has to learn all anew.
 */
const SOON_ENOUGH = 0.75;

function noticed(fold: Fold, arm: string, first: RecentLabel, worthBefore: number, shift: number): NoticedChange {
  const { openSince, newest, settings } = fold;
  const { at: since, later } = first;
  return {
    arm,
    decisionId: first.decisionId(),
    since,
    worthBefore,
    shift,
    canBeTold:
      since >= openSince &&
      newest - since <= SOON_ENOUGH * settings.windowMs &&
      later <= SOON_ENOUGH * settings.maxOpen,
  };
}
