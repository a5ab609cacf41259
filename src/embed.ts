/** What the package gives to programs: a gateway as a function from web requests to web responses, to be served by any server. */
import { loadDocument } from './config/load.ts';
import { needsRestart } from './config/needs-restart.ts';
import { type Problem, problemLine } from './config/problems.ts';
import type { ConduitConfig } from './config/resolve.ts';
import type { AcceptedConfig } from './config/schema.ts';
import { sha256Hex } from './crypto.ts';
import { errorResponse, internalError, shuttingDown, starting } from './http/errors.ts';
import { type OpenGateway, openGateway } from './node/gateway.ts';
import { type Call, createInFlight } from './node/in-flight.ts';
import { openLog } from './node/log.ts';
import type { Log } from './routing/runtime.ts';
import { within } from './within.ts';

export type { Problem } from './config/problems.ts';
export type { AcceptedConfig as ConduitConfig } from './config/schema.ts';
export type { Log } from './routing/runtime.ts';

export interface ConduitOptions {
  /** The variables that `${NAME}` in a text of the config means. Left out: `process.env`. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Takes what is to be logged, at whatever level; pino's loggers are such. Left out: JSON lines on stderr at `log.level`. */
  log?: Log;
  /** Left out: 30 seconds. How long `close` waits for answers in flight before it cuts them off, in milliseconds. */
  drainMs?: number;
}

export interface Conduit {
  /**
   * Answers a request by its method, path, headers and body, wherever it was sent to. What goes wrong is a response: it rejects,
   * with a TypeError, only what is no Request. The first one opens the gateway, unless `ready` has. It needs no `this`.
   */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Opens the gateway now: its stores, and what was learned before. Rejects where the config's folder cannot be had. */
  ready(): Promise<void>;
  /**
   * Takes another config from the next request on; answers in flight go on under the one before. Rejects with `InvalidConfig`, and
   * keeps the one in use. `server.secret`, `stores` and where traces go stay as they are; that they would change is logged.
   */
  reload(config: AcceptedConfig): Promise<void>;
  /**
   * Answers 503 from now on, waits for answers in flight, writes what they have taught and counted, and lets go of files, threads,
   * connections and timers, so that the process may end by itself. Never rejects, and may be called again.
   */
  close(): Promise<void>;
}

/** All that is wrong with a config, worded as `conduit check` does; `message` has a line for each. */
export class InvalidConfig extends Error {
  override readonly name = 'InvalidConfig';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemLine).join('\n'));
    this.problems = problems;
  }
}

/** What a request waits for the gateway to open: longer than that takes while no store answers. */
const OPENING_MS = 10_000;
/** How long one that could not be opened is not tried again. */
const OPEN_AGAIN_MS = 1_000;
const DRAIN_MS = 30_000;
/** For what is written after the last byte: a store that hangs must not hold up the end. */
const SETTLE_MS = 5_000;

/**
 * A gateway that opens nothing yet: no file, no connection, no port. `config` has the shape of conduit.yaml; `server.host`, `port`
 * and `workers` mean nothing here. Throws `InvalidConfig`.
 */
export function createConduit(config: AcceptedConfig, options: ConduitOptions = {}): Conduit {
  const { env = process.env, drainMs = DRAIN_MS } = options;
  const started = loaded(config, env);
  const inFlight = createInFlight();
  let opened: OpenGateway | undefined;
  let opening: Promise<OpenGateway> | undefined;
  let closing: Promise<void> | undefined;
  /** Reloads, one after the other: a gateway can be followed once. */
  let turn: Promise<unknown> = Promise.resolve();

  const open = (): Promise<OpenGateway> => {
    if (closing) return Promise.reject(new Error('this conduit is closed'));
    opening ??= openWith(started, options.log).then(
      (gateway) => {
        opened = gateway;
        return gateway;
      },
      (error) => {
        setTimeout(() => {
          opening = undefined;
        }, OPEN_AGAIN_MS).unref();
        throw error;
      },
    );
    return opening;
  };
  const close = async (): Promise<void> => {
    const gateway = await opening?.catch(() => undefined);
    if (!gateway) return;
    gateway.stopAccepting();
    await turn;
    if (!(await inFlight.drain(drainMs))) gateway.log.warn({}, 'answers still in flight were cut off');
    await gateway.close(SETTLE_MS);
  };

  return {
    async fetch(request) {
      if (!isRequest(request)) throw new TypeError('fetch takes a Request: new Request(url, init)');
      if (closing) return errorResponse(shuttingDown);
      const gateway = opened ?? (await within(OPENING_MS, open()));
      if (!gateway) return errorResponse(starting);
      try {
        return await inFlight.answer((call) => gateway.app().fetch(request, call));
      } catch (error) {
        gateway.log.error({ err: error }, 'a request failed inside Conduit');
        return errorResponse(internalError);
      }
    },
    async ready() {
      await open();
    },
    async reload(next) {
      const { config: taken, warnings } = loaded(next, env);
      const reloading = turn.then(async () => {
        const gateway = await open();
        tellOf(warnings, gateway.log);
        for (const path of needsRestart(started.config, taken).filter(isOurs)) {
          gateway.log.warn({ path }, 'config changed where only a restart takes it over');
        }
        await gateway.reload(taken);
      });
      turn = reloading.catch(() => {});
      await reloading;
    },
    close: () => (closing ??= close()),
  };
}

/** Servers make their own, of a class of theirs. */
const isRequest = (given: Request | undefined): boolean =>
  typeof given?.url === 'string' && given.headers !== undefined;

interface Loaded {
  config: ConduitConfig;
  warnings: readonly string[];
}

function loaded(written: AcceptedConfig, env: NonNullable<ConduitOptions['env']>): Loaded {
  const result = loadDocument(written, { env, sha256Hex });
  if (!result.ok) throw new InvalidConfig(result.problems);
  const { config, warnings } = result;
  // Which address it is served on is not known here, and so not refused.
  const open = 'keys: none, so whoever reaches the server that it is embedded in can use your providers';
  return { config, warnings: config.keys.length === 0 ? [...warnings, open] : warnings };
}

/** Says on the log why it cannot, once a try. */
async function openWith({ config, warnings }: Loaded, given: Log | undefined): Promise<OpenGateway> {
  try {
    const gateway = await openGateway(
      config,
      ({ env, req }) => (env as Call).openExchange(req.raw),
      given ? { log: given } : {},
    );
    tellOf(warnings, gateway.log);
    return gateway;
  } catch (error) {
    const own = given ? null : openLog(config.log.level);
    (given ?? own)?.error({ err: error }, 'the gateway cannot be opened: it is tried again with the next requests');
    await own?.close();
    throw error;
  }
}

function tellOf(warnings: readonly string[], log: Log): void {
  for (const warning of warnings) log.warn({ warning }, 'config warning');
}

/** What of the server's settings means something where another server listens. */
const isOurs = (path: string): boolean => !['server.host', 'server.port', 'server.workers'].includes(path);
