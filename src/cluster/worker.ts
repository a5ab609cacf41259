/** One of several processes on one port: serves what the primary says, out of the store that the primary keeps. */
import cluster from 'node:cluster';
import type { MetricFamily } from '../metrics/request-metrics.ts';
import { type GatewayOptions, type OwnGateway, startGateway } from '../node.ts';
import { type Channel, createRemoteStore, type ServedStore } from '../stores/channel.ts';
import { StoreUnavailable } from '../stores/ports.ts';
import type { Order, Report } from './messages.ts';

/** Whether this process was started by a primary. */
export const isWorker = cluster.isWorker;

/** Serves until the primary says to end, or is gone: then node:cluster ends this process too. */
export function serveAsWorker(): void {
  // A terminal and a service manager signal the whole group. When it is time to go, the primary says so.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const state = createRemoteStore(channelToPrimary);
  let gateway: OwnGateway | null = null;
  let obeyed = Promise.resolve();

  const obey = async (order: Exclude<Order, { kind: 'count' }>): Promise<void> => {
    switch (order.kind) {
      case 'serve':
        gateway = await start(startGateway(order.config, sharedWith(order, state)));
        break;
      case 'reload':
        await reload(gateway, order);
        break;
      case 'adopt':
        // It goes on behind the scenes.
        void gateway?.adopt(order.learned);
        break;
      case 'end':
        await gateway?.close();
        process.exit(0);
    }
  };
  process.on('message', (order: Order) => {
    // What the store answers comes this way too.
    if (!ORDERS.includes(order.kind)) return;
    // Whoever looks at the metrics is not kept waiting by a worker that is about something else.
    if (order.kind === 'count') {
      void count(gateway);
      return;
    }
    // One after the other: what is adopted belongs to the config of the order before.
    obeyed = obeyed.then(() => obey(order));
  });
  report({ kind: 'ready' });
}

const ORDERS: readonly Order['kind'][] = ['serve', 'reload', 'adopt', 'count', 'end'];

function sharedWith({ config, shared }: Order & { kind: 'serve' }, state: ServedStore): GatewayOptions {
  const countedByAll = async () => (await state.countedByAll()) as MetricFamily[][];
  if (!shared) return { countedByAll };
  return {
    countedByAll,
    ...(config.stores.state === 'memory' && { state }),
    decisions: state,
    ...(shared.durable && { durable: { isWell: state.isKept } }),
    learned: shared.learned,
  };
}

async function start(starting: Promise<OwnGateway>): Promise<OwnGateway | null> {
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

async function reload(gateway: OwnGateway | null, { config, learned }: Order & { kind: 'reload' }): Promise<void> {
  try {
    await gateway?.reload(config);
    await gateway?.adopt(learned);
    report({ kind: 'reloaded', failure: null });
  } catch (error) {
    report({ kind: 'reloaded', failure: error instanceof Error ? error.message : String(error) });
  }
}

async function count(gateway: OwnGateway | null): Promise<void> {
  if (gateway) report({ kind: 'counted', families: await gateway.counted() });
}

function report(message: Report, sent: () => void = () => {}): void {
  process.send?.(message, sent);
}

const channelToPrimary: Channel = {
  send(message) {
    if (!process.connected) throw new StoreUnavailable('the primary is gone');
    // A message that is lost on its way out is told by the time limit of whoever waits for the answer.
    process.send?.(message, () => {});
  },
  onMessage: (listener) => void process.on('message', listener),
  onClose: (listener) => void process.once('disconnect', listener),
};
