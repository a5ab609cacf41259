/** The rewards that a decision's earlier versions had, with their places in the log: what a fold up to a place has of it. */

type PastReward = [seq: number, reward: number | null];

/** Nobody changes their mind as often; of whoever does the oldest are forgotten. */
const MOST = 20;

export function withPastReward(past: string | null, seq: number, reward: number | null): string {
  const rewards: PastReward[] = [...listIn(past), [seq, reward]];
  return JSON.stringify(rewards.slice(-MOST));
}

/** The reward of the version that was in the log up to `seq`. */
export function rewardUpTo(past: string | null, seq: number): number | null {
  const rewards = listIn(past);
  const [, reward] = rewards.findLast(([place]) => place <= seq) ?? rewards[0] ?? [0, null];
  return reward;
}

const listIn = (past: string | null): PastReward[] => (past === null ? [] : JSON.parse(past));
