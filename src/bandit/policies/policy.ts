/** A policy: how an arm's score comes from what is believed of it. Everything else, all policies share. */
import type { Posterior } from '../posterior.ts';
import type { Belief } from '../prediction.ts';
import type { Score } from '../scores.ts';

/** An arm as a policy sees it, for one request; not to be kept, since the next arm's is written in its place. */
export interface ArmView {
  id: string;
  /** Among the router's arms, as configured. */
  position: number;
  isBaseline: boolean;
  /** Of the belief in its quality, as `Belief` has it. */
  mean: number;
  ownDeviation: number;
  /** Effective labels. */
  observations: number;
  costUsd: number;
  /** What cost and time take off the quality. */
  toll: number;
  posterior: Posterior;
}

export interface Policy {
  /** Whether arms of which little is known get early pulls and the exploration floor. */
  readonly explores: boolean;
  /** False where nothing that is learned can change whom it chooses: so it needs no posterior that is up to date. */
  readonly learns?: false;
  /** Whether the floor is shared among all eligible arms, and not only among those that might still be the best. */
  readonly floorForAll?: boolean;
  /** What is believed of the quality, where that is not the contextual prediction. */
  belief?(posterior: Posterior, arm: string): Belief;
  /** Depends on this arm alone, so that taking away another never changes it. The highest score is chosen. */
  score(arm: ArmView): Score;
}
