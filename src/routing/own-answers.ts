/** The latest answers that this process gave itself, so that whoever goes on from one of them is found without asking anybody. */
import type { DecisionRecord } from '../stores/decision-record.ts';

export interface OwnAnswers {
  /** `names`: of which a later answer takes over those that it has too. */
  add(decision: DecisionRecord, names: readonly string[]): void;
  /** As it was last known here: others may have changed it since. */
  find(name: string): DecisionRecord | null;
  /** Takes a later version in the place of the one that is there, if it is. */
  renew(decision: DecisionRecord): void;
}

interface OwnAnswer {
  decision: DecisionRecord;
  names: readonly string[];
}

/** `most`: how many; then the oldest are forgotten. */
export function createOwnAnswers(most: number): OwnAnswers {
  const answers = new Map<string, OwnAnswer>();
  const idOf = new Map<string, string>();

  const forgetOldest = (): void => {
    const [id, { names }] = answers.entries().next().value as [string, OwnAnswer];
    answers.delete(id);
    for (const name of names) if (idOf.get(name) === id) idOf.delete(name);
  };

  return {
    add(decision, names) {
      if (most === 0 || names.length === 0) return;
      answers.set(decision.id, { decision, names });
      for (const name of names) idOf.set(name, decision.id);
      if (answers.size > most) forgetOldest();
    },
    find: (name) => answers.get(idOf.get(name) ?? '')?.decision ?? null,
    renew(decision) {
      const known = answers.get(decision.id);
      if (known && known.decision.version < decision.version) known.decision = decision;
    },
  };
}
