/** What must hold when all is over: nothing lost, nothing counted twice, nothing left behind. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createClient } from './ask.ts';
import { type Gateway, KEYS, type Memory, type Upstream } from './processes.ts';
import type { Notes } from './run.ts';

export interface Check {
  what: string;
  result: 'ok' | 'failed' | 'skipped';
  said: string;
}

export interface Baseline {
  descriptors: number | null;
  sockets: number;
  memory: Memory;
}

export interface Evidence {
  before: Baseline;
  notes: Notes;
  memory: readonly { at: number; memory: Memory }[];
  gateway: Gateway;
  upstream: Upstream;
}

const MB = 1024 * 1024;
const MAX_GROWTH = 20 * MB;
/** Before so many requests the bounded stores are still filling up, which is no leak. */
const FILLED_AFTER = 15_000;
/** Idle connections to an upstream are closed within this time. */
const IDLE_MS = 15_000;

export async function baselineOf(gateway: Gateway, upstream: Upstream): Promise<Baseline> {
  return {
    descriptors: gateway.descriptors(),
    sockets: (await upstream.state()).sockets,
    memory: await gateway.memory(),
  };
}

export async function checksOf(evidence: Evidence): Promise<Check[]> {
  const { notes, gateway, upstream } = evidence;
  const checks: Check[] = [];
  const check = (what: string, ok: boolean, said: string): void => {
    checks.push({ what, result: ok ? 'ok' : 'failed', said });
  };
  check('every request had one ending, every chunk was its own', notes.failed === 0, `${notes.failed} failures`);
  check('every request ended', notes.asked === notes.ended, `${notes.ended} of ${notes.asked}`);
  const exited = gateway.exited();
  check('the gateway still runs', exited === null, exited === null ? 'yes' : `exited: ${exited}`);
  if (exited !== null) return checks;

  checks.push(...(await leftBehind(evidence)));
  checks.push(...(await learned(evidence)));
  const code = await gateway.close();
  check('SIGTERM ends it well', code === 0, code === null ? 'it had to be killed' : `exit code ${code}`);
  checks.push(...(await logged(gateway.logFile, notes)));
  const { leaks } = await upstream.state();
  check('nothing of ours reached the upstream', leaks.length === 0, leaks.join(', ') || 'nothing');
  return checks;
}

/** Sockets, descriptors and memory, once idle connections have been closed. */
async function leftBehind({ before, memory, gateway, upstream }: Evidence): Promise<Check[]> {
  const atMost = (before.descriptors ?? 0) + 2;
  const until = performance.now() + IDLE_MS;
  let state = await upstream.state();
  while (performance.now() < until && (state.sockets > before.sockets || (gateway.descriptors() ?? 0) > atMost)) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    state = await upstream.state();
  }
  const { sockets, open, held, left } = state;
  const descriptors = gateway.descriptors();
  const after = await gateway.memory();
  const gone = new Set(left);
  const staying = held.filter((nonce) => !gone.has(nonce));
  return [
    {
      what: 'the upstream saw each client leave',
      result: staying.length === 0 && held.length === left.length ? 'ok' : 'failed',
      said: `${left.length} of ${held.length} held answers closed${staying.length > 0 ? `, open: ${staying.slice(0, 5)}` : ''}`,
    },
    {
      what: "the upstream's sockets are back where they were",
      result: sockets <= before.sockets && open === 0 ? 'ok' : 'failed',
      said: `${before.sockets} before, ${sockets} after, ${open} answers open`,
    },
    {
      what: "the gateway's descriptors are back where they were",
      result: descriptors === null ? 'skipped' : descriptors <= atMost ? 'ok' : 'failed',
      said: `${before.descriptors} before, ${descriptors} after`,
    },
    {
      what: 'no timer is left running',
      result: timersOf(after) <= timersOf(before.memory) + 2 ? 'ok' : 'failed',
      said: `${timersOf(before.memory)} before, ${timersOf(after)} after; the event loop has ${JSON.stringify(after.resources)}`,
    },
    heapCheck(memory, after),
  ];
}

const timersOf = ({ resources }: Memory): number => resources.Timeout ?? 0;

function heapCheck(memory: Evidence['memory'], after: Memory): Check {
  const first = memory[0];
  const growth = first ? after.heapUsed - first.memory.heapUsed : 0;
  const series = [...memory.map((one) => one.memory), after];
  const inMb = (of: (one: Memory) => number): string => series.map((one) => (of(one) / MB).toFixed(0)).join(' ');
  const said = `${(growth / MB).toFixed(1)} MB; heap ${inMb((one) => one.heapUsed)}, outside it ${inMb((one) => one.external)}, resident ${inMb((one) => one.rss)}`;
  const filled = first !== undefined && first.at >= FILLED_AFTER;
  return {
    what: 'the heap grew by less than 20 MB after the first tenth',
    result: filled ? (growth < MAX_GROWTH ? 'ok' : 'failed') : 'skipped',
    said: filled ? said : `${said} (the bounded stores were not full by then)`,
  };
}

/** What the router says of itself against what the decisions said, one by one. */
async function learned({ notes, gateway }: Evidence): Promise<Check[]> {
  const client = createClient(gateway.port);
  const request = { method: 'GET', path: '/v1/routers/auto', key: 'admin', body: null, status: 200 } as const;
  const answer = await client.ask(request, KEYS.admin);
  client.close();
  const { observations, arms, budget } = JSON.parse(answer.body) as {
    observations: number;
    arms: { model: string; pulls: number; share: number }[];
    budget: { usd_today: number };
  };
  const known = [...notes.decisions.values()];
  const taught = known.filter((one) => one.taught).length;
  const pulls = arms.reduce((sum, arm) => sum + arm.pulls, 0);
  const routed = known.reduce((sum, one) => sum + (one.taught ? one.costUsd : 0), 0);
  const most = known.reduce((sum, one) => sum + one.costUsd, 0) + notes.leftUnnamed * 0.01;
  // An answer whose client had left before it knew the decision may have taught something all the same.
  const between = (value: number, low: number, high: number): boolean =>
    value >= low * 0.999 - 1e-6 && value <= high * 1.001 + 1e-6;
  const shares = arms.map((arm) => `${arm.model} ${(arm.share * 100).toFixed(0)}%`).join(', ');
  return [
    {
      what: 'the router learned from each answer once',
      result:
        between(observations, taught, taught + notes.leftUnnamed) && between(pulls, taught, taught + notes.leftUnnamed)
          ? 'ok'
          : 'failed',
      said: `${observations.toFixed(0)} observations, ${pulls.toFixed(0)} pulls, ${taught} decisions with evidence; ${shares}`,
    },
    {
      what: 'money set aside was given back',
      result: between(budget.usd_today, routed, most) ? 'ok' : 'failed',
      said: `${budget.usd_today.toFixed(4)} USD spent today, decisions of the router cost at least ${routed.toFixed(4)}`,
    },
  ];
}

/** The log has a line for each completion: a second account of every outcome, those included that no client knew. */
async function logged(file: string, notes: Notes): Promise<Check[]> {
  const seen = new Map<string, string | undefined>();
  const errors = new Map<string, number>();
  let twice = 0;
  let differing = 0;
  let unnamed = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const entry = parsed(line);
    if (entry === null) continue;
    if (entry.level >= 50) errors.set(entry.msg, (errors.get(entry.msg) ?? 0) + 1);
    if (entry.msg !== 'request' || typeof entry.decision !== 'string') continue;
    if (seen.has(entry.decision)) twice++;
    seen.set(entry.decision, entry.outcome);
    const known = notes.decisions.get(entry.decision);
    if (known === undefined) unnamed++;
    else if (known.kind !== entry.outcome) differing++;
  }
  const missing = [...notes.decisions.keys()].filter((id) => !seen.has(id)).length;
  const outcomes = new Map<string, number>();
  for (const outcome of seen.values()) outcomes.set(outcome ?? 'none', (outcomes.get(outcome ?? 'none') ?? 0) + 1);
  const told = [...outcomes].map(([outcome, times]) => `${outcome} ${times}`).join(', ');
  const fine = twice === 0 && differing === 0 && missing === 0 && unnamed <= notes.leftUnnamed + notes.failed;
  return [
    {
      what: 'each decision had exactly one outcome',
      result: fine ? 'ok' : 'failed',
      said: `${told}; ${twice} twice, ${differing} differing, ${missing} missing, ${unnamed} of ${notes.leftUnnamed} whose client had left before it knew`,
    },
    {
      what: 'nothing failed inside',
      result: errors.size === 0 ? 'ok' : 'failed',
      said: [...errors].map(([message, times]) => `${message}: ${times}`).join('; ') || 'no error logged',
    },
  ];
}

function parsed(line: string): { level: number; msg: string; decision?: string; outcome?: string } | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
