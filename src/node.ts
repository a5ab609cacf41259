/** The gateway as a Node process: serves what `node/gateway.ts` opens on a port. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Context } from 'hono';
import type { ConduitConfig } from './config/resolve.ts';
import { badRequest, errorResponse, internalError } from './http/errors.ts';
import { createNodeExchange } from './http/exchange-node.ts';
import { createStrictServer, SERVER_LIMITS, type ServerLimits } from './http/server-node.ts';
import { type OpenExchange, type OpenGateway, type OpenOptions, openGateway } from './node/gateway.ts';
import type { Log } from './routing/runtime.ts';

export { openLog, type StderrLog } from './node/log.ts';
export { commandRuntime, nodeRuntime } from './node/runtime.ts';
export type { Log } from './routing/runtime.ts';

export interface GatewayOptions extends OpenOptions {
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
export interface OwnGateway extends RunningGateway, Pick<OpenGateway, 'adopt' | 'counted'> {}

/** In milliseconds. */
interface CloseLimits {
  /** For answers in flight; what is still running then is cut off. */
  drainMs: number;
  /** For what is written after the last byte: a store that hangs must not keep the process from ending. */
  settleMs: number;
}

const CLOSE_LIMITS: CloseLimits = { drainMs: 30_000, settleMs: 5_000 };

/** Resolves once the port is open; rejects where it cannot be. */
export async function startGateway(config: ConduitConfig, options: GatewayOptions = {}): Promise<OwnGateway> {
  const limits = { ...SERVER_LIMITS, ...CLOSE_LIMITS, ...options.limits };
  const gateway = await openGateway(config, exchangeOf, options);
  const { log, keptIn, reload, adopt, counted } = gateway;

  const listener = getRequestListener((request, bindings) => gateway.app().fetch(request, bindings), {
    // hono's Request and Response stay out of the global scope: a program that embeds the gateway keeps its own.
    overrideGlobalObjects: false,
    // HTTP/1.0 may leave it out; nothing here goes by it.
    hostname: 'localhost',
    errorHandler: (error) => beforeTheApp(error, log),
  });
  const { server, closeIdle } = createStrictServer(listener, limits);
  const url = await listen(server, config.server).catch(async (error) => {
    // Its connections would keep the process alive.
    await gateway.close(limits.settleMs);
    throw error;
  });
  // Without a listener one connection that could not be accepted would end the process.
  server.on('error', (error) => log.error({ err: error }, 'the server failed'));

  let closing: Promise<void> | undefined;
  return {
    url,
    keptIn,
    reload,
    adopt,
    counted,
    close: () => (closing ??= close()),
  };

  async function close(): Promise<void> {
    gateway.stopAccepting();
    if (!(await drain(server, closeIdle, limits.drainMs))) log.warn({}, 'answers still in flight were cut off');
    await gateway.close(limits.settleMs);
  }
}

const exchangeOf: OpenExchange = (context, { server }) => {
  const { incoming, outgoing } = context.env as { incoming: IncomingMessage; outgoing: ServerResponse };
  return createNodeExchange(incoming, outgoing, corsOf(context, server.cors));
};

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
