/** Opens a gateway in a Node process, with Node's implementations of every part, and closes it; who serves it is no matter here. */
import type { Context, Hono } from 'hono';
import { createApp } from '../app.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { sha256Hex } from '../crypto.ts';
import { readPageFiles } from '../dashboard/files-node.ts';
import type { ClientExchange } from '../http/exchange.ts';
import { createGateway, type DurablePart, type LearnedByRouter } from '../http/gateway.ts';
import { counted } from '../http/metrics.ts';
import type { PageFiles } from '../http/page-files.ts';
import { processFamilies } from '../metrics/process-metrics.ts';
import type { MetricFamily } from '../metrics/request-metrics.ts';
import { createDeferred } from '../routing/deferred.ts';
import type { Log, Runtime } from '../routing/runtime.ts';
import { openStorage, type Storage } from '../storage/open.ts';
import type { DecisionLog, StateStore } from '../stores/ports.ts';
import type { NodeTracer } from '../tracing/otlp-node.ts';
import { createUndiciSender } from '../upstream/send-undici.ts';
import { within } from '../within.ts';
import { openLog, type StderrLog } from './log.ts';
import { nodeRuntime } from './runtime.ts';

export interface OpenOptions {
  /** Left out: JSON lines on stderr at the config's level. */
  log?: Log;
  /** Left out: the system's. For tests that need the same dice each time. */
  random?: () => number;
  /** Left out: what the config says, which then ends with the gateway. */
  state?: StateStore;
  /** What has been learned already, where the state's logs no longer go back to their start. */
  learned?: LearnedByRouter;
  /** What stands behind the state that is handed in, or behind the config's where that is another process's to keep. */
  durable?: DurablePart;
  /** Where decisions are read for reports; left out: the stores of the config. */
  decisions?: DecisionLog;
  /** What all processes have counted that serve the same port; left out where this is the only one. */
  countedByAll?: () => Promise<MetricFamily[][]>;
}

/** The client's side of a request, out of what its server hands in; `config` is the one in use. */
export type OpenExchange = (context: Context, config: ConduitConfig) => ClientExchange;

export interface OpenGateway {
  /** Of the config in use: another one once that is taken over. */
  app(): Hono;
  log: Log;
  /** Where what is learned outlives the process, in words; null where it does not. */
  keptIn: string | null;
  /** Takes another config from the next request on. The secret and the stores stay as they are. */
  reload(config: ConduitConfig): Promise<void>;
  /** Takes what was learned before, where that was found only now. Never rejects. */
  adopt(learned: LearnedByRouter): Promise<void>;
  /** What this process has counted. */
  counted(): Promise<MetricFamily[]>;
  /** From now on whoever asks anything is told that it ends. */
  stopAccepting(): void;
  /**
   * Tells what has not been told, and lets go of everything; no answer may be in flight any more. Waits so long (milliseconds) for
   * each of what is to be written and what is to be closed: a store that hangs must not keep the process from ending.
   */
  close(settleMs: number): Promise<void>;
}

/** What a start waits for the counters that it shares: it goes on without a store that does not answer. */
const FIRST_EXCHANGE_MS = 500;

/** Rejects where the config names a folder that cannot be had. No other store need be there. */
export async function openGateway(
  config: ConduitConfig,
  openExchange: OpenExchange,
  options: OpenOptions,
): Promise<OpenGateway> {
  const ownLog = options.log ? null : openLog(config.log.level);
  const log = options.log ?? (ownLog as StderrLog);
  const deferred = createDeferred((error) => log.error({ err: error }, 'deferred work failed'));
  const runtime = nodeRuntime(config, log, deferred, options.random);
  const sender = createUndiciSender();
  let storage: Storage | null = null;
  let tracer: NodeTracer | null;
  try {
    if (!options.state) storage = await openStorage(config, runtime);
    tracer = await openTracer(config, runtime, () => gateway.config.providers);
  } catch (error) {
    // Else a second try would find its folder in use by itself.
    await Promise.all([sender.close(), storage?.close(), ownLog?.close()]);
    throw error;
  }
  const state = options.state ?? (storage as Storage).state;
  let accepting = true;
  let page: Promise<PageFiles> | null = null;

  let gateway = createGateway(
    {
      config,
      runtime,
      state,
      decisions: options.decisions ?? storage?.decisions ?? null,
      send: sender.send,
      openExchange: (context) => openExchange(context, gateway.config),
      accepting: () => accepting,
      page: () => {
        page ??= readPageFiles(sha256Hex).catch((error) => {
          page = null;
          throw error;
        });
        return page;
      },
      durable: options.durable ?? storage?.durable ?? null,
      processFamilies,
      ...(tracer && { tracer: tracer.observer }),
      ...(options.countedByAll && { countedByAll: options.countedByAll }),
    },
    options.learned ?? storage?.learned,
  );
  /** By the gateway of then: its config may be another by that time. */
  const adopt = async (learned: LearnedByRouter): Promise<void> => {
    try {
      await gateway.adopt(learned);
    } catch (error) {
      log.error({ err: error }, 'what was learned before could not be brought up to date');
    }
  };
  void storage?.late.then(adopt);
  let app = createApp(gateway);
  // A budget that was used up before must not stand open to the first requests.
  await within(FIRST_EXCHANGE_MS, gateway.flush());

  return {
    app: () => app,
    log,
    keptIn: storage?.keptIn ?? null,
    async reload(next) {
      // Before the gateway, which asks it for what it needs to know of what has changed.
      storage?.follow(next);
      gateway = await gateway.follow(next);
      app = createApp(gateway);
      ownLog?.setLevel(next.log.level);
    },
    adopt,
    counted: () => counted(gateway),
    stopAccepting() {
      accepting = false;
    },
    async close(settleMs) {
      accepting = false;
      if ((await within(settleMs, deferred.settled())) === null) {
        log.error({ unfinished: deferred.size() }, 'what was still to be written is lost: the store does not answer');
      }
      await gateway.flush();
      await Promise.all([
        within(settleMs, sender.close()),
        storage?.close(),
        tracer && within(settleMs, tracer.close()),
      ]);
      await ownLog?.close();
    },
  };
}

/** Null where no traces are asked for: then nothing of what makes them is loaded. */
async function openTracer(
  { telemetry }: ConduitConfig,
  { now, clock, log }: Runtime,
  providers: () => ConduitConfig['providers'],
): Promise<NodeTracer | null> {
  if (!telemetry) return null;
  const { openNodeTracer } = await import('../tracing/otlp-node.ts');
  return openNodeTracer({ telemetry, providers, now, clock, log });
}
