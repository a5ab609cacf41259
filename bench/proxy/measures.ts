/** One run of each group of lines against one target. */
import type { Helper } from './ask.ts';
import type { Address } from './conversations.ts';
import type { Figures, Group, LineId, Settings } from './lines.ts';
import type { Load, LoadResult, LoadVerbs } from './load.ts';
import type { Departure, MockVerbs } from './mock.ts';
import type { StartedTarget, Target } from './targets.ts';
import { readUsage } from './usage.ts';

export interface Bench {
  mock: Helper<MockVerbs>;
  clients: Helper<LoadVerbs>;
  settings: Settings;
  /** What the same load took without a target in between, in this round. */
  direct: Partial<Record<LineId, number>>;
}

const CHUNKS = 20;
const PACE_MS = 20;
const PACED_STREAMS = 64;
const JSON_CONNECTIONS = 32;
const LEAVERS = 20;
const LEAVERS_SEEN_MS = 100;
/** What comes later than this does not come. */
const WAIT_MS = 2_000;
const BREAK_AFTER = 7;
const BREAKS = 10;

/** Groups that are run in rounds; the others once, since each of their runs is a verdict in itself. */
export const IN_ROUNDS: readonly Group[] = ['json', 'first-byte', 'paced'];

export function measure(group: Group, bench: Bench, target: Target, started: StartedTarget): Promise<Figures> {
  switch (group) {
    case 'json':
      return json(bench, target, started);
    case 'first-byte':
      return firstByte(bench, target, started);
    case 'paced':
      return paced(bench, target, started);
    case 'memory':
      return memory(bench, target);
    case 'aborts':
      return aborts(bench, started.address);
    case 'breaks':
      return breaks(bench, started.address);
  }
}

/** Lets the target compile what it runs most before any clock runs. */
export async function warmUp(bench: Bench, { address }: StartedTarget): Promise<void> {
  const until = { seconds: bench.settings.windowSeconds / 2 };
  await bench.mock.ask('behave', { chunks: CHUNKS, paceMs: 0 });
  await bench.clients.ask('run', { address, stream: false, connections: JSON_CONNECTIONS, until });
  await bench.clients.ask('run', { address, stream: true, connections: JSON_CONNECTIONS, until });
}

interface Run extends LoadResult {
  /** Of the target's processes; null where it cannot be known. */
  cpuMicroseconds: number | null;
}

async function run(bench: Bench, started: StartedTarget, load: Omit<Load, 'address'>): Promise<Run> {
  const used = () => (started.process ? readUsage(started.process.pid) : null);
  const before = used();
  const result = await bench.clients.ask('run', { address: started.address, ...load });
  const after = used();
  if (result.completed === 0 || result.failed > result.completed / 1_000) {
    throw new Error(`${result.failed} of ${result.failed + result.completed} failed: ${result.why}`);
  }
  const cpuMicroseconds = before && after ? after.cpuMicroseconds - before.cpuMicroseconds : null;
  return { ...result, cpuMicroseconds };
}

function cpuOf(id: LineId, { cpuMicroseconds, completed }: Run): Figures {
  return cpuMicroseconds === null ? {} : { [id]: { value: cpuMicroseconds / completed } };
}

async function json(bench: Bench, target: Target, started: StartedTarget): Promise<Figures> {
  const { windowSeconds } = bench.settings;
  const many = { stream: false, connections: JSON_CONNECTIONS, until: { seconds: windowSeconds } };
  const full = await run(bench, started, many);
  const one = { stream: false, connections: 1, until: { seconds: windowSeconds / 2 } };
  const alone = await run(bench, started, one);
  return {
    'json-rate': { value: full.completed / full.seconds },
    ...cpuOf('json-cpu', full),
    ...added(bench, target, alone, 'json-p50', 'json-p99'),
  };
}

async function firstByte(bench: Bench, target: Target, started: StartedTarget): Promise<Figures> {
  // A stream whose rest comes a moment later: its first chunk has to go out alone.
  await bench.mock.ask('behave', { chunks: 3, paceMs: 1 });
  const until = { seconds: bench.settings.windowSeconds / 2 };
  const alone = await run(bench, started, { stream: true, connections: 1, until });
  return added(bench, target, alone, 'stream-p50', 'stream-p99');
}

async function paced(bench: Bench, target: Target, started: StartedTarget): Promise<Figures> {
  await bench.mock.ask('behave', { chunks: CHUNKS, paceMs: PACE_MS });
  const result = await run(bench, started, {
    stream: true,
    connections: PACED_STREAMS,
    staggerMs: (CHUNKS * PACE_MS) / PACED_STREAMS,
    until: { seconds: bench.settings.windowSeconds },
  });
  return { ...added(bench, target, result, 'paced-p50', 'paced-p99'), ...cpuOf('paced-cpu', result) };
}

/** The direct target comes first in its round, and leaves its own times behind for the others. */
function added(bench: Bench, { name }: Target, { firstByteMs }: LoadResult, p50: LineId, p99: LineId): Figures {
  if (name === 'direct') {
    bench.direct[p50] = firstByteMs.p50;
    bench.direct[p99] = firstByteMs.p99;
  }
  return {
    [p50]: { value: firstByteMs.p50 - (bench.direct[p50] ?? Number.NaN) },
    [p99]: { value: firstByteMs.p99 - (bench.direct[p99] ?? Number.NaN) },
  };
}

/** In a process that has done nothing else before. */
async function memory(bench: Bench, target: Target): Promise<Figures> {
  if (!target.restarts) return {};
  const [early, late] = bench.settings.streams;
  await bench.mock.ask('behave', { chunks: CHUNKS, paceMs: 0 });
  const fresh = await target.start();
  try {
    const pid = fresh.process?.pid ?? 0;
    await run(bench, fresh, { stream: true, connections: PACED_STREAMS, until: { requests: early } });
    const before = readUsage(pid)?.residentMb;
    await run(bench, fresh, { stream: true, connections: PACED_STREAMS, until: { requests: late - early } });
    const after = readUsage(pid)?.residentMb;
    if (before === undefined || after === undefined) return {};
    return {
      'memory-early': { value: before },
      'memory-late': { value: after },
      'memory-growth': { value: (after / before - 1) * 100 },
    };
  } finally {
    await fresh.process?.stop();
  }
}

async function aborts(bench: Bench, address: Address): Promise<Figures> {
  await bench.mock.ask('behave', { chunks: CHUNKS, paceMs: PACE_MS, silent: true });
  await bench.clients.ask('hold', { address, stream: true, connections: LEAVERS, chunks: 0 });
  await bench.mock.ask('arrivals', { count: LEAVERS, withinMs: WAIT_MS });
  const early = await leave(bench);
  // Long enough that no stream ends by itself before its client leaves.
  await bench.mock.ask('behave', { chunks: CHUNKS * 20, paceMs: PACE_MS });
  await bench.clients.ask('hold', { address, stream: true, connections: LEAVERS, chunks: 3 });
  const late = await leave(bench);
  return { 'aborts-early': shareSeen(early), 'aborts-late': shareSeen(late) };
}

/** Milliseconds from each client's leaving to the upstream's notice; those that were never noticed are left out. */
async function leave({ mock, clients }: Bench): Promise<number[]> {
  const left = await clients.ask('leave', null);
  const seen = await mock.ask('departures', { count: left.length, withinMs: WAIT_MS });
  const seenAt = new Map(seen.map(({ number, atMs }: Departure) => [number, atMs]));
  return left.flatMap(({ number, atMs }) => (seenAt.has(number) ? [seenAt.get(number)! - atMs] : []));
}

function shareSeen(times: readonly number[]) {
  const seen = times.filter((ms) => ms <= LEAVERS_SEEN_MS).length;
  return { value: seen / LEAVERS, text: `${seen} of ${LEAVERS}` };
}

async function breaks(bench: Bench, address: Address): Promise<Figures> {
  await bench.mock.ask('behave', { chunks: CHUNKS, paceMs: 5, breakAfter: BREAK_AFTER });
  const endings = await bench.clients.ask('watch', { address, streams: BREAKS });
  const lost = endings.reduce((sum, { chunks }) => sum + BREAK_AFTER - chunks, 0);
  const told = endings.filter(({ end }) => end === 'error event').length;
  return {
    'chunks-lost': { value: lost, text: `${lost} of ${BREAKS * BREAK_AFTER}` },
    'break-told': { value: told / BREAKS, text: [...new Set(endings.map(({ end }) => end))].join(', ') },
  };
}
