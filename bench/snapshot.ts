/** What a snapshot of a fold with as many open entries as are kept takes: milliseconds, and bytes. With --json as JSON. */
import { emptyFold, foldEntry } from '../src/bandit/fold.ts';
import { foldFromBytes, foldToBytes } from '../src/bandit/fold-bytes.ts';
import { encoder } from '../src/context/encoder.ts';
import { timed } from './measure.ts';
import { evidence, HALF_LIFE_MS } from './samples.ts';

const OPEN = 10_000;
const ARMS = Array.from({ length: 20 }, (_, k) => `provider/model-${k}`);

const fold = emptyFold({
  encoder: encoder.id,
  dimensions: encoder.dimensions,
  halfLifeMs: HALF_LIFE_MS,
  windowMs: 864e5,
  maxOpen: OPEN,
});
// Ids as long as they are, and more decisions than may be open.
for (let i = 0; i < 1.2 * OPEN; i++) {
  const decisionId = `dec_${i.toString(16).padStart(32, '0')}`;
  foldEntry(fold, { ...evidence(i, ARMS), decisionId });
}
const bytes = foldToBytes(fold);

const timings = [
  timed(`writing ${fold.open.size} open entries`, 100, () => foldToBytes(fold)),
  timed(`reading ${fold.open.size} open entries`, 100, () => foldFromBytes(bytes)),
];
if (process.argv.includes('--json'))
  console.log(JSON.stringify({ unit: 'microseconds', bytes: bytes.length, timings }));
else {
  for (const { what, median, p95 } of timings)
    console.log(`${what.padEnd(28)} median ${(median / 1000).toFixed(2)} ms   p95 ${(p95 / 1000).toFixed(2)} ms`);
  console.log(`${bytes.length} bytes`);
}
