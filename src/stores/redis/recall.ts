/** Finds a decision by its id: in what waits, in Redis, and in what was sent. */
import type { DecisionRecord } from '../decision-record.ts';
import { MayBeElsewhere, type StateStore } from '../ports.ts';
import { handleOf } from './keys.ts';
import type { Reading } from './reading.ts';

export interface RecallOptions {
  reading: Pick<Reading, 'recall'>;
  writing: {
    waiting(id: string): DecisionRecord | null;
    sent(id: string): DecisionRecord | null;
  };
  /** Whether nobody has anything that Redis has not, as far as is known: others have the same trouble, and it may wait there. */
  isWell: () => boolean;
  /** Milliseconds since 1970. */
  now: () => number;
  /** SHA-256 in hex. */
  sha256Hex: (text: string) => string;
  /** For how long decisions are kept. */
  keepMs: number;
}

export function createRecall(options: RecallOptions): StateStore['recall'] {
  const { reading, writing, isWell, now, sha256Hex, keepMs } = options;
  return async (id) => {
    const found = writing.waiting(id) ?? (await reading.recall(id)) ?? writing.sent(id);
    if (found || isWell() || now() - handleOf(id, sha256Hex).time > keepMs) return found;
    throw new MayBeElsewhere('the decision may wait in another gateway until Redis takes it');
  };
}
