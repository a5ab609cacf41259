/** The gateway as a Node process: chooses Node's implementations of every part and serves the app on a port. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Context } from 'hono';
import { pino } from 'pino';
import { createApp } from './app.ts';
import type { ConduitConfig } from './config/resolve.ts';
import { createDice, createDigest, sha256Hex } from './crypto.ts';
import { readPageFiles } from './dashboard/files-node.ts';
import { badRequest, errorResponse, internalError } from './http/errors.ts';
import { createNodeExchange } from './http/exchange-node.ts';
import { createGateway, type DurablePart, type LearnedByRouter } from './http/gateway.ts';
import { counted } from './http/metrics.ts';
import type { PageFiles } from './http/page-files.ts';
import { createStrictServer, SERVER_LIMITS, type ServerLimits } from './http/server-node.ts';
import { processFamilies } from './metrics/process-metrics.ts';
import type { MetricFamily } from './metrics/request-metrics.ts';
import { createDeferred, type Deferred } from './routing/deferred.ts';
import type { Log, Runtime } from './routing/runtime.ts';
import { openStorage, type Storage } from './storage/open.ts';
import { secretFor } from './storage/secret.ts';
import type { DecisionLog, StateStore } from './stores/ports.ts';
import type { NodeTracer } from './tracing/otlp-node.ts';
import { createUndiciSender } from './upstream/send-undici.ts';
import { within } from './within.ts';

export type { Log } from './routing/runtime.ts';

export interface GatewayOptions {
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
  /** Left out: `SERVER_LIMITS` and `CLOSE_LIMITS`. For tests that cannot wait as long. */
  limits?: Partial<ServerLimits & CloseLimits>;
}

export interface RunningGateway {
  url: string;
  /** Where what is learned outlives the process, in words; null where it does not. */
  keptIn: string | null;
  /** Takes another config from the next request on. Host, port and secret stay as they are until a restart. */
  reload(config: ConduitConfig): Promise<void>;
  /** Stops accepting, lets answers in flight finish for at most 30 s, tells what has not been told, and then ends. */
  close(): Promise<void>;
}

/** One that serves in this process itself. */
export interface OwnGateway extends RunningGateway {
  /** Takes what was learned before, where that was found only now. Never rejects. */
  adopt(learned: LearnedByRouter): Promise<void>;
  /** What this process has counted. */
  counted(): Promise<MetricFamily[]>;
}

/** In milliseconds. */
interface CloseLimits {
  /** For answers in flight; what is still running then is cut off. */
  drainMs: number;
  /** For what is written after the last byte: a store that hangs must not keep the process from ending. */
  settleMs: number;
}

/** What a start waits for the counters that it shares: it goes on without a store that does not answer. */
const FIRST_EXCHANGE_MS = 500;

const CLOSE_LIMITS: CloseLimits = { drainMs: 30_000, settleMs: 5_000 };

/** Resolves once the port is open; rejects where it cannot be. */
export async function startGateway(config: ConduitConfig, options: GatewayOptions = {}): Promise<OwnGateway> {
  const ownLog = options.log ? null : openLog(config.log.level);
  const log = options.log ?? (ownLog as StderrLog);
  const limits = { ...SERVER_LIMITS, ...CLOSE_LIMITS, ...options.limits };
  const deferred = createDeferred((error) => log.error({ err: error }, 'deferred work failed'));
  const runtime = nodeRuntime(config, log, deferred, options.random);
  const sender = createUndiciSender();
  const storage = options.state ? null : await openStorage(config, runtime);
  const state = options.state ?? (storage as Storage).state;
  const tracer = await openTracer(config, runtime, () => gateway.config.providers);
  let accepting = true;
  let page: Promise<PageFiles> | null = null;

  let gateway = createGateway(
    {
      config,
      runtime,
      state,
      decisions: options.decisions ?? storage?.decisions ?? null,
      send: sender.send,
      openExchange: (context) => {
        const { incoming, outgoing } = context.env as { incoming: IncomingMessage; outgoing: ServerResponse };
        return createNodeExchange(incoming, outgoing, corsOf(context, gateway.config.server.cors));
      },
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

  const listener = getRequestListener((request, bindings) => app.fetch(request, bindings), {
    // hono's Request and Response stay out of the global scope: a program that embeds the gateway keeps its own.
    overrideGlobalObjects: false,
    // HTTP/1.0 may leave it out; nothing here goes by it.
    hostname: 'localhost',
    errorHandler: (error) => beforeTheApp(error, log),
  });
  const { server, closeIdle } = createStrictServer(listener, limits);
  const url = await listen(server, config.server).catch(async (error) => {
    // Its connections would keep the process alive.
    await storage?.close();
    throw error;
  });
  // Without a listener one connection that could not be accepted would end the process.
  server.on('error', (error) => log.error({ err: error }, 'the server failed'));

  let closing: Promise<void> | undefined;
  return {
    url,
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
    close: () => (closing ??= close()),
  };

  async function close(): Promise<void> {
    accepting = false;
    if (!(await drain(server, closeIdle, limits.drainMs))) log.warn({}, 'answers still in flight were cut off');
    if ((await within(limits.settleMs, deferred.settled())) === null) {
      log.error({ unfinished: deferred.size() }, 'what was still to be written is lost: the store does not answer');
    }
    await gateway.flush();
    await Promise.all([
      within(limits.settleMs, sender.close()),
      storage?.close(),
      tracer && within(limits.settleMs, tracer.close()),
    ]);
    await ownLog?.close();
  }
}

/** Null where no traces are asked for: then nothing of what makes them is loaded. */
async function openTracer(
  { telemetry }: ConduitConfig,
  { now, clock, log }: Runtime,
  providers: () => ConduitConfig['providers'],
): Promise<NodeTracer | null> {
  if (!telemetry) return null;
  const { openNodeTracer } = await import('./tracing/otlp-node.ts');
  return openNodeTracer({ telemetry, providers, now, clock, log });
}

/** What the CORS middleware has set, and would add behind: hono puts that into its own responses alone. */
function corsOf({ res }: Context, cors: readonly string[]): Record<string, string> | null {
  if (cors.length === 0) return null;
  return { ...Object.fromEntries(res.headers), ...(!cors.includes('*') && { vary: 'Origin' }) };
}

async function listen(server: Server, { host, port }: ConduitConfig['server']): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}

/** A request of which hono could make none, as with a target that is no path, or a fault of ours outside of the app. */
function beforeTheApp(error: unknown, log: Log): Response {
  if (error instanceof RequestError) {
    const { fields } = badRequest('The request target or the host is not valid.', null, 'invalid_http_request');
    return errorResponse({ ...fields, headers: { connection: 'close' } });
  }
  log.error({ err: error }, 'a request failed inside Conduit');
  return errorResponse(internalError);
}

/** Closes the server; false where answers had to be cut off for it. */
async function drain(server: Server, closeIdle: () => void, drainMs: number): Promise<boolean> {
  let whole = true;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that falls idle after its last answer would else be waited for until its keep-alive ends.
  const idle = setInterval(closeIdle, 50);
  const timer = setTimeout(() => {
    whole = false;
    server.closeAllConnections();
  }, drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
  return whole;
}

/** For a command that ends by itself: what goes wrong is told on stderr, in words. */
export function commandRuntime(config: ConduitConfig): Runtime {
  const tell = (fields: object, message: string): void => {
    const { err } = fields as { err?: Error };
    process.stderr.write(`${message}${err ? `: ${err.message}` : ''}\n`);
  };
  const log: Log = { debug() {}, info() {}, warn: tell, error: tell };
  return nodeRuntime(
    config,
    log,
    createDeferred((err) => tell({ err }, 'deferred work failed')),
  );
}

export interface StderrLog extends Log {
  setLevel(level: ConduitConfig['log']['level']): void;
  /** Writes out what it still holds, unless nobody reads it; nothing can be logged afterwards. */
  close(): Promise<void>;
}

/** Bytes. Lines go out together: a system call for each would cost more than the line. */
const LOG_BATCH = 4_096;
/** Bytes that may wait for a reader. Beyond them lines are lost: the log must not fill the memory. */
const LOG_BACKLOG = 8 * 1024 * 1024;
const LOG_FLUSH_MS = 1_000;

/** JSON lines on stderr, written in the background: whoever does not read them holds nobody up. */
export function openLog(level: ConduitConfig['log']['level']): StderrLog {
  const stderr = pino.destination({
    dest: 2,
    sync: false,
    minLength: LOG_BATCH,
    maxLength: LOG_BACKLOG,
    periodicFlush: LOG_FLUSH_MS,
  });
  // A terminal that is gone, a full disk: not being able to log is no reason to stop serving.
  stderr.on('error', () => {});
  const lines = pino({ level }, stderr);
  let open = true;
  const write =
    (severity: keyof Log) =>
    (fields: object, message: string): void => {
      if (open) lines[severity](fields, message);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error(fields, message) {
      write('error')(fields, message);
      if (open) stderr.flush();
    },
    setLevel(next) {
      lines.level = next;
    },
    async close() {
      if (!open) return;
      const written = new Promise<void>((resolve) => stderr.flush(() => resolve()));
      await within(LOG_FLUSH_MS, written);
      open = false;
      // Else it would be written out once more as the process ends, and wait for a reader then.
      stderr.destroy();
    },
  };
}

/** A look-up in shared state may take this long before a request goes on without it. */
const LOOK_UP_MS = 10;

export function nodeRuntime(
  config: ConduitConfig,
  log: Log,
  deferred: Pick<Deferred, 'add'>,
  random?: () => number,
): Runtime {
  const secret = config.server.secret ?? secretFor(config.stores, log);
  const dice = createDice();
  return {
    now: Date.now,
    clock: () => performance.now(),
    random: random ?? dice.random,
    randomHex: dice.randomHex,
    defer: deferred.add,
    lookUp: { deadlineMs: LOOK_UP_MS, ownAnswers: 0 },
    digest: createDigest(secret),
    sha256Hex,
    log,
  };
}
