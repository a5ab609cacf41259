/** One of several processes on one port: serves what the primary says, out of the store that the primary keeps. */
import cluster from 'node:cluster';
import { type GatewayOptions, type RunningGateway, startGateway } from '../node.ts';
import { type Channel, createRemoteStore } from '../stores/channel.ts';
import type { StateStore } from '../stores/ports.ts';
import type { Order, Report } from './messages.ts';

/** Whether this process was started by a primary. */
export const isWorker = cluster.isWorker;

/** Serves until the primary says to end, or is gone: then node:cluster ends this process too. */
export function serveAsWorker(): void {
  // A terminal and a service manager signal the whole group. When it is time to go, the primary says so.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const state = createRemoteStore(channelToPrimary);
  let gateway: Promise<RunningGateway | null> = Promise.resolve(null);

  process.on('message', async (order: Order) => {
    if (order.kind === 'serve') gateway = start(startGateway(order.config, sharedWith(order, state)));
    if (order.kind === 'reload') await reload(await gateway, order);
    if (order.kind === 'end') {
      await (await gateway)?.close();
      process.exit(0);
    }
  });
  report({ kind: 'ready' });
}

/** Beside a store that all processes can reach by themselves nothing comes from the primary. */
function sharedWith({ config, learned }: Order & { kind: 'serve' }, state: StateStore): GatewayOptions {
  return config.stores.state === 'memory' ? { state, learned } : {};
}

async function start(starting: Promise<RunningGateway>): Promise<RunningGateway | null> {
  try {
    const gateway = await starting;
    report({ kind: 'listening', url: gateway.url });
    return gateway;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    report({ kind: 'failed', code: code ?? null, message }, () => process.exit(1));
    return null;
  }
}

async function reload(gateway: RunningGateway | null, { config }: Order & { kind: 'reload' }): Promise<void> {
  try {
    await gateway?.reload(config);
    report({ kind: 'reloaded', failure: null });
  } catch (error) {
    report({ kind: 'reloaded', failure: error instanceof Error ? error.message : String(error) });
  }
}

function report(message: Report, sent: () => void = () => {}): void {
  process.send?.(message, sent);
}

const channelToPrimary: Channel = {
  send(message) {
    if (!process.connected) throw new Error('the primary is gone');
    // A message that is lost on its way out is told by the time limit of whoever waits for the answer.
    process.send?.(message, () => {});
  },
  onMessage: (listener) => void process.on('message', listener),
  onClose: (listener) => void process.once('disconnect', listener),
};
