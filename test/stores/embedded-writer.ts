/**
 * A process of its own that keeps decisions in the folder it is given until it is killed: a line on stdout for each batch that
 * has been acknowledged, by the batch's cursor. Changes each batch's first decision in the next, too.
 */
import { openEmbeddedStore } from '../../src/stores/embedded.ts';
import { LOG_START } from '../../src/stores/ports.ts';
import { finishedDecision } from './finished-decision.ts';

/** Ids begin with their time. */
const idOf = (batch: number, place: number): string =>
  `dec_${batch.toString(16).padStart(12, '0')}${place.toString(16).padStart(20, '0')}`;

const store = await openEmbeddedStore({ folder: process.argv[2] as string });
let after = await store.cursorOf('auto');
console.log(`open ${after}`);
for (let batch = Number(after ?? LOG_START) + 1; ; batch++) {
  const cursor = String(batch);
  const made = Array.from({ length: 50 }, (_, i) => finishedDecision({ id: idOf(batch, i), completionId: cursor }));
  const earlier = finishedDecision({ id: idOf(batch - 1, 0), version: 2, reward: 1, completionId: cursor });
  const kept = [...made, ...(batch > 1 ? [earlier] : [])].map((decision) => ({
    decision,
    names: [`name:${decision.id}`],
  }));
  const { outcome } = await store.ingest({ log: 'auto', after, cursor, kept });
  if (outcome !== 'ingested') throw new Error('somebody else has written there');
  after = cursor;
  console.log(`kept ${cursor}`);
}
