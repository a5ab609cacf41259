/**
 * What Conduit costs as a proxy, beside nginx and other gateways: all of them in front of the same mock upstream, under the
 * same load, in turn, the best window of each. `node bench/proxy.ts --help`
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { writeBetweenMarks } from './page.ts';
import { startHelper } from './proxy/ask.ts';
import { bestOf, type Figures, GROUPS, type Group, LINE_IDS, LINES, type Settings } from './proxy/lines.ts';
import type { LoadVerbs } from './proxy/load.ts';
import { type Bench, IN_ROUNDS, measure, warmUp } from './proxy/measures.ts';
import type { MockVerbs } from './proxy/mock.ts';
import { cleanUpAtExit } from './proxy/processes.ts';
import { comparisonTable, failures, figuresTable, type Results } from './proxy/table.ts';
import {
  conduitOff,
  conduitOn,
  direct,
  nginx,
  peer,
  portkey,
  type StartedTarget,
  type Target,
} from './proxy/targets.ts';
import { hasProc } from './proxy/usage.ts';

const HELP = `node bench/proxy.ts [options]
  --targets A,B     of direct, nginx, conduit-off, conduit-on, portkey and peers (default: all; direct always)
  --only A,B        of ${GROUPS.join(', ')} (default: all)
  --rounds N        windows of each target, of which the best counts (default 3)
  --window SECONDS  (default 4)
  --quick           one short round and fewer streams: does it run?
  --portkey DIR     where @portkey-ai/gateway has been installed
  --peer NAME=URL[,model=MODEL][,header=NAME:VALUE]   a proxy that is running, with --mock-port as its upstream
  --mock-port PORT  (default: a free one)
  --bare-mock       an upstream on bare sockets, which costs next to nothing, instead of Node's HTTP server
  --json            figures as JSON
  --write           into docs/benchmarks.md
`;

const { values: options } = parseArgs({
  options: {
    targets: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    window: { type: 'string' },
    quick: { type: 'boolean', default: false },
    portkey: { type: 'string' },
    peer: { type: 'string', multiple: true, default: [] },
    'mock-port': { type: 'string', default: '0' },
    'bare-mock': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const settings: Settings = {
  rounds: positive('--rounds', options.rounds, options.quick ? 1 : 3),
  windowSeconds: positive('--window', options.window, options.quick ? 1 : 4),
  streams: options.quick ? [500, 2_000] : [5_000, 20_000],
};

if (options.help) process.stdout.write(HELP);
else await main();
process.exit();

async function main(): Promise<void> {
  cleanUpAtExit();
  const groups = chosen('--only', options.only, GROUPS);
  const mock = startHelper<MockVerbs>(new URL('proxy/mock.ts', import.meta.url));
  const clients = startHelper<LoadVerbs>(new URL('proxy/load.ts', import.meta.url));
  const mockPort = await mock.ask('listen', { port: Number(options['mock-port']), bare: options['bare-mock'] });
  const bench: Bench = { mock, clients, settings, direct: {} };
  const results = await measureAll(bench, groups, targetsFor(mockPort));
  print(results);
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise);
  if (!(value > 0)) throw new Error(`${name}: a number above 0`);
  return value;
}

function chosen<Name extends string>(flag: string, text: string | undefined, all: readonly Name[]): Name[] {
  const asked = text?.split(',') ?? all;
  const unknown = asked.find((name) => !all.includes(name as Name));
  if (unknown !== undefined) throw new Error(`${flag}: no ${unknown} (allowed: ${all.join(', ')})`);
  return all.filter((name) => asked.includes(name));
}

function targetsFor(mockPort: number): Target[] {
  const all = [
    direct(mockPort),
    nginx(mockPort),
    conduitOff(mockPort),
    conduitOn(mockPort),
    ...(options.portkey ? [portkey(mockPort, options.portkey)] : []),
    ...options.peer.map(peer),
  ];
  const names = chosen(
    '--targets',
    options.targets,
    all.map(({ name }) => name),
  );
  // The others' added times are over the direct one's.
  return all.filter(({ name }) => name === 'direct' || names.includes(name));
}

interface Contestant {
  target: Target;
  started: StartedTarget;
}

async function measureAll(bench: Bench, groups: readonly Group[], targets: readonly Target[]): Promise<Results> {
  if (!hasProc) note('no /proc here: CPU and memory are left out');
  const contestants: Contestant[] = [];
  for (const target of targets) {
    const started = await startOrSkip(target);
    if (started) contestants.push({ target, started });
  }
  const results = new Map(contestants.map(({ target }) => [target.name, {} as Figures]));
  for (const { target, started } of contestants) {
    note(`warming up ${target.name}`);
    await warmUp(bench, started);
  }
  for (const group of groups) {
    const rounds = IN_ROUNDS.includes(group) ? settings.rounds : 1;
    for (let round = 0; round < rounds; round++) {
      for (const contestant of inTurn(contestants, round)) {
        note(`${group}, round ${round + 1} of ${rounds}: ${contestant.target.name}`);
        keepBest(results.get(contestant.target.name)!, await figuresOf(group, bench, contestant));
      }
    }
  }
  for (const { started } of contestants) await started.process?.stop();
  return results;
}

async function startOrSkip(target: Target): Promise<StartedTarget | null> {
  try {
    return await target.start();
  } catch (error) {
    note(`${target.name} is skipped: ${(error as Error).message}`);
    return null;
  }
}

/** Direct first, as the others' base; the others begin with another one each round. */
function inTurn([first, ...others]: readonly Contestant[], round: number): Contestant[] {
  const at = round % Math.max(1, others.length);
  return [first!, ...others.slice(at), ...others.slice(0, at)];
}

async function figuresOf(group: Group, bench: Bench, contestant: Contestant): Promise<Figures> {
  try {
    if (contestant.started.process?.alive() === false) contestant.started = await contestant.target.start();
    return await measure(group, bench, contestant.target, contestant.started);
  } catch (error) {
    const failed = (error as Error).message;
    note(`  failed: ${failed}`);
    return Object.fromEntries(LINE_IDS.filter((id) => LINES[id].group === group).map((id) => [id, { failed }]));
  }
}

function keepBest(figures: Figures, more: Figures): void {
  for (const id of LINE_IDS) {
    const figure = more[id];
    if (figure) figures[id] = bestOf(id, figures[id], figure);
  }
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

function print(results: Results): void {
  const { rounds, windowSeconds } = settings;
  const machine = `Node ${process.versions.node}, ${cpus().length} cores, ${process.platform}; an upstream on ${options['bare-mock'] ? 'bare sockets' : "Node's HTTP server"}; the best of ${rounds} windows of ${windowSeconds} s each.`;
  const tables = [figuresTable(results, settings), comparisonTable(results, settings)].filter((table) => table !== '');
  const text = [machine, ...tables].join('\n\n');
  if (options.json) console.log(JSON.stringify({ settings, figures: Object.fromEntries(results) }));
  else console.log(`\n${text}`);
  for (const failure of failures(results)) note(failure);
  if (options.write) writeBetweenMarks(new URL('../docs/benchmarks.md', import.meta.url), 'proxy', text);
}
