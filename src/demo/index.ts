/**
 * `conduit demo`: the gateway, simulated models and simulated people in one process, without keys and without a network.
 * Environment: CONDUIT_DEMO_SECONDS ends it by itself after so many seconds, CONDUIT_DEMO_SEED throws other dice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, problemLine } from '../config/load.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { sha256Hex } from '../crypto.ts';
import { type RunningGateway, startGateway } from '../node.ts';
import type { Log } from '../routing/runtime.ts';
import { createDice, type Dice } from './dice.ts';
import { findModel, KINDS, MODELS, PROVIDER } from './models.ts';
import { startTraffic } from './people.ts';
import { bestFixedModel } from './prompts.ts';
import { startSimulatedProvider } from './providers.ts';
import { createTally, type Tally } from './tally.ts';
import { type Look, openTerminal, type Terminal } from './terminal.ts';
import type { Learned, Scene } from './view.ts';

export interface DemoOptions {
  /** Left out: 8787 or, where that is taken, the next free one. */
  port?: number;
  host?: string;
}

const DEFAULT_PORT = 8787;
const PORTS_TRIED = 20;
const REQUESTS_PER_SECOND = 40;
/** Twice the default: the simulated models differ more by kind of prompt than real ones, and a minute is short. */
const WARMUP = 16;

/** Resolves when it was asked to end and everything is closed. */
export async function runDemo(options: DemoOptions, look: Look): Promise<void> {
  const seconds = positiveNumber('CONDUIT_DEMO_SECONDS') ?? Number.POSITIVE_INFINITY;
  const dice = createDice(positiveNumber('CONDUIT_DEMO_SEED') ?? 1);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  // Once only: who presses Ctrl-C twice does not want to wait.
  process.once('SIGINT', end).once('SIGTERM', end);
  // Whoever read stdout has gone, as `head` does.
  process.stdout.on('error', end);
  const tally = createTally();
  const provider = await startSimulatedProvider(tally.billed);
  try {
    const gateway = await openGateway(options, provider.url, logOf(tally));
    await watch(gateway, openTerminal(process.stdout, look), tally, dice, seconds, ending.signal);
    await gateway.close();
  } finally {
    await provider.close();
    process.off('SIGINT', end).off('SIGTERM', end);
    process.stdout.off('error', end);
  }
}

/** Lets people in and shows what happens, until the time is over or `ending` says so. */
async function watch(
  { url }: RunningGateway,
  terminal: Terminal,
  tally: Tally,
  dice: Dice,
  seconds: number,
  ending: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  const left = (): number => startedAt + seconds * 1000 - performance.now();
  terminal.open(url);
  const traffic = startTraffic({ url, dice, tally, perSecond: REQUESTS_PER_SECOND });
  const learned = watchLearned(url);
  const scene = (): Scene =>
    sceneOf(tally, {
      url,
      seconds: (performance.now() - startedAt) / 1000,
      inFlight: traffic.inFlight,
      learned: learned.latest,
    });
  while (!ending.aborted && left() > 0) {
    await sleep(Math.min(terminal.every, left()), undefined, { signal: ending }).catch(() => {});
    learned.refresh();
    if (!ending.aborted && left() > 0) terminal.show(scene());
  }
  await traffic.stop();
  terminal.close(scene());
}

/** Moves on to the next port only where nobody asked for a certain one. */
async function openGateway(options: DemoOptions, providerUrl: string, log: Log): Promise<RunningGateway> {
  const last = (options.port ?? DEFAULT_PORT) + (options.port === undefined ? PORTS_TRIED - 1 : 0);
  for (let port = options.port ?? DEFAULT_PORT; ; port++) {
    try {
      return await startGateway(configFor(providerUrl, { ...options, port }), { log });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EADDRINUSE' || port >= last) throw error;
    }
  }
}

/** The best fixed model first: what is saved is counted against the first. */
const armsOf = (): string[] => {
  const { id: best } = bestFixedModel();
  return [best, ...MODELS.map(({ id }) => id).filter((id) => id !== best)];
};

function configFor(providerUrl: string, overrides: { host?: string; port: number }): ConduitConfig {
  const text = `
providers:
  ${PROVIDER}: { base_url: "${providerUrl}" }
models:
${MODELS.map(({ id, price }) => `  - { id: ${id}, price: { input: ${price.input}, output: ${price.output} } }`).join('\n')}
routers:
  auto: { models: [${armsOf().join(', ')}], prefer: balanced, explore: { warmup: ${WARMUP} } }
stores: { durable: none }
`;
  const loaded = loadConfig({ text, env: {}, sha256Hex, overrides });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemLine).join('\n'));
  return loaded.config;
}

/** The gateway's own troubles count as failures; its everyday lines would only spoil the view. */
function logOf(tally: Tally): Log {
  const silent = (): void => {};
  return { debug: silent, info: silent, warn: silent, error: (_fields, message) => tally.failed(message) };
}

/** What the router says it has learned. A frame never waits for it, and never asks twice at once. */
function watchLearned(url: string): { readonly latest: Scene['learned']; refresh(): void } {
  let latest: Scene['learned'] = {};
  let asked = false;
  const read = async (): Promise<void> => {
    const response = await fetch(`${url}/v1/routers/auto`);
    const { arms } = (await response.json()) as { arms: { model: string; quality: Learned }[] };
    latest = Object.fromEntries(arms.map(({ model, quality }) => [findModel(model)?.name ?? model, quality]));
  };
  return {
    get latest() {
      return latest;
    },
    refresh() {
      if (asked) return;
      asked = true;
      read()
        .catch(() => {})
        .finally(() => {
          asked = false;
        });
    },
  };
}

function sceneOf(tally: Tally, rest: Pick<Scene, 'url' | 'seconds' | 'inFlight' | 'learned'>): Scene {
  return {
    ...rest,
    requests: tally.requests,
    failures: tally.failures,
    lastFailure: tally.lastFailure,
    latest: tally.latest,
    shares: tally.shares(),
    sharesByKind: Object.fromEntries(KINDS.map((kind) => [kind, tally.shares(kind)])) as Scene['sharesByKind'],
    qualities: tally.qualities(),
    curve: tally.curve(),
    money: tally.money(),
    reactions: tally.reactions,
    visitors: tally.visitors,
  };
}

function positiveNumber(variable: string): number | null {
  const text = process.env[variable];
  if (!text) return null;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${variable} must be a number above 0, not '${text}'`);
  return value;
}
