/**
 * A soak: many clients, a faulty upstream and a gateway with everything on, each a process of its own; and at the end the
 * question whether anything was lost, mixed up or left behind.
 * `node bench/soak.ts [--minutes N | --requests N] [--connections 64] [--seed N] [--json]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { baselineOf, type Check, checksOf } from './soak/checks.ts';
import { type Memory, startGateway, startUpstream } from './soak/processes.ts';
import { emptyNotes, type Failure, type Notes, run } from './soak/run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    requests: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '64' },
    seed: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const connections = Number(values.connections);
const requests = values.minutes === undefined ? Number(values.requests) : Number.POSITIVE_INFINITY;
const runMs = values.minutes === undefined ? Number.POSITIVE_INFINITY : Number(values.minutes) * 60_000;
/** With this many failures there is enough to look for. */
const ENOUGH_FAILURES = 20;

const length = values.minutes === undefined ? `--requests ${values.requests}` : `--minutes ${values.minutes}`;
const again = `node bench/soak.ts ${length} --connections ${connections} --seed ${seed}`;
const folder = mkdtempSync(join(tmpdir(), 'conduit-soak-'));
const upstream = await startUpstream();
const gateway = await startGateway(upstream.port, folder);
const before = await baselineOf(gateway, upstream);
const startedAt = performance.now();
const memory: { at: number; memory: Memory }[] = [];
const notes = emptyNotes();

const progressOf = (): number => Math.max(notes.ended / requests, (performance.now() - startedAt) / runMs);
let measuring = false;
/** At each tenth of the way. */
const measureWhenDue = async (): Promise<void> => {
  if (measuring || Math.floor(progressOf() * 10) <= memory.length) return;
  measuring = true;
  memory.push({ at: notes.ended, memory: await gateway.memory() });
  measuring = false;
};
/** At once, so that nobody must wait for the end to look for the reason. */
let told = 0;
const tellNewFailures = (): void => {
  for (; told < notes.failures.length; told++) {
    const { nonce, what, why } = notes.failures[told] as Failure;
    process.stderr.write(`\nrequest ${nonce}: ${why}\n  ${what}\n  the same again: ${again}\n`);
  }
};
const progress = setInterval(() => process.stderr.write(`\r${progressLine(notes)}`), 1_000);

await run(
  {
    port: gateway.port,
    connections,
    seed,
    goesOn: (asked) =>
      asked < requests &&
      performance.now() - startedAt < runMs &&
      notes.failed < ENOUGH_FAILURES &&
      gateway.exited() === null,
    onEnded: () => {
      tellNewFailures();
      void measureWhenDue();
    },
  },
  notes,
);
clearInterval(progress);
process.stderr.write(`\r${progressLine(notes)}\n`);
const seconds = (performance.now() - startedAt) / 1000;
const checks = await checksOf({ before, notes, memory, gateway, upstream });
upstream.close();
rmSync(folder, { recursive: true });

const failed = checks.some((check) => check.result === 'failed');
if (values.json) console.log(JSON.stringify(asJson(checks)));
else print(checks);
if (failed) {
  process.stderr.write(`failed; the same again: ${again}\n`);
  process.exitCode = 1;
}

function progressLine({ ended, failed: wrong }: Notes): string {
  const share = Math.min(100, progressOf() * 100).toFixed(0);
  return `${share}% ${ended} requests, ${(ended / ((performance.now() - startedAt) / 1000)).toFixed(0)} a second, ${wrong} failed   `;
}

function asJson(results: readonly Check[]): object {
  const endings = Object.fromEntries([...notes.endings].map(([kind, ways]) => [kind, Object.fromEntries(ways)]));
  const { asked, failures, slowest } = notes;
  return { seed, connections, requests: asked, seconds, endings, checks: results, memory, failures, slowest };
}

function print(results: readonly Check[]): void {
  for (const [kind, ways] of [...notes.endings].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${kind.padEnd(48)} ${[...ways].map(([way, times]) => `${way} ${times}`).join(', ')}`);
  }
  console.log(`\n${notes.asked} requests over ${connections} connections in ${seconds.toFixed(0)} s, seed ${seed}\n`);
  for (const { what, result, said } of results) console.log(`${result.padEnd(8)} ${what}: ${said}`);
  for (const { nonce, what, why } of notes.failures.slice(0, 20)) console.log(`\nrequest ${nonce}: ${why}\n  ${what}`);
}
