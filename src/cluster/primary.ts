/**
 * Several processes on one port: the primary keeps what they share and sees that they live; it serves nobody itself, so
 * that no request ever waits behind another process's call.
 */
import cluster from 'node:cluster';
import type { ConduitConfig, Stores } from '../config/resolve.ts';
import type { LearnedByRouter } from '../http/gateway.ts';
import { processFamilies } from '../metrics/process-metrics.ts';
import { lagFamilies } from '../metrics/state-metrics.ts';
import { type Log, nodeRuntime, type RunningGateway } from '../node.ts';
import { createDeferred } from '../routing/deferred.ts';
import { openStorage } from '../storage/open.ts';
import { secretFor } from '../storage/secret.ts';
import type { ServedStore } from '../stores/channel.ts';
import { createApprentice } from './apprentice.ts';
import { createPlace, type Place } from './place.ts';

/**
 * Serves with `config.server.workers` processes. Resolves once all of them listen; rejects, with none of them left,
 * where one cannot. What is given back is used as a single gateway is.
 */
export async function startCluster(config: ConduitConfig, { log }: { log: Log }): Promise<RunningGateway> {
  const { host, workers } = config.server;
  // They must agree on it: a conversation that one worker began is recognised by the others through its hash.
  const secret = config.server.secret ?? secretFor(config.stores, log);
  const deferred = createDeferred((error) => log.error({ err: error }, 'deferred work failed'));
  const kept = keptByPrimary(config);
  /** Beside stores that all processes can reach by themselves nothing comes from the primary. */
  const keeps = kept === config.stores;
  const storage = await openStorage(
    { ...config, stores: kept },
    nodeRuntime({ ...config, server: { ...config.server, secret } }, log, deferred),
  );
  const { durable } = storage;
  const store: ServedStore = {
    ...storage.state,
    readKept: storage.decisions.readKept,
    isKept: async () => (await durable?.isWell()) ?? false,
    async countedByAll() {
      const own = [...(await processFamilies()), ...(await lagFamilies(durable?.lagMs?.() ?? null))];
      return [...(await Promise.all(places.map((place) => place.counted()))).flat(), own];
    },
  };
  let { port } = config.server;
  let bound: number | null = null;
  const asServed = (next: ConduitConfig): ConduitConfig => ({
    ...next,
    server: { ...next.server, host, port, workers, secret },
    // Whoever takes a dead one's place must share the others' store.
    stores: keptByWorkers(config),
  });
  let current = config;
  /** The config that the workers have been told of. */
  let followed = config;
  let reloading = Promise.resolve();

  // The primary hands connections out in turn. Where the workers accept for themselves, a new connection is cheaper, but a
  // burst of them mostly lands on half of the workers; and clients keep their connections, so that an even spread counts.
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // Structured clones instead of JSON: a config's maps and sets and a fold's numbers pass as they are.
  cluster.setupPrimary({ serialization: 'advanced' });
  const apprentice = createApprentice({
    config: () => current,
    lessons: storage,
    log,
    onFound: (found) => {
      if (keeps) for (const place of places) place.adopt(found);
    },
  });
  const places: Place[] = Array.from({ length: workers }, () =>
    createPlace({
      config: () => asServed(current),
      store,
      shared: {
        soon: apprentice.catchUp,
        now: () => (keeps ? { learned: apprentice.learned(), durable: durable !== null } : null),
      },
      log,
      onExit() {
        // While one worker lives, "a free port" means that worker's. After the last it would be another one.
        if (bound !== null && !places.some((place) => place.isAlive())) port = bound;
      },
    }),
  );
  try {
    const urls = await Promise.all(places.map((place) => place.listening));
    const url = urls[0] as string;
    bound = Number(new URL(url).port) || port;
    return {
      url,
      keptIn: storage.keptIn ?? (config.stores.state === 'memory' ? null : 'Redis'),
      async reload(next) {
        current = next;
        storage.follow(next);
        // One after the other: each place waits for one answer at a time.
        reloading = reloading.then(async () => {
          await apprentice.catchUp();
          const learned = keeps ? changedSince(followed, apprentice.learned()) : new Map();
          followed = current;
          await Promise.all(places.map((place) => place.reload(learned)));
        });
        await reloading;
      },
      async close() {
        await Promise.all(places.map((place) => place.end()));
        apprentice.end();
        await storage.close();
      },
    };
  } catch (error) {
    await Promise.all(places.map((place) => place.kill()));
    apprentice.end();
    await storage.close();
    throw error;
  }
}

/** Of the routers that this config had not, or with evidence that faded otherwise. */
const changedSince = ({ routers }: ConduitConfig, all: LearnedByRouter): LearnedByRouter =>
  new Map([...all].filter(([name, { halfLifeMs }]) => routers.get(name)?.halfLifeMs !== halfLifeMs));

/**
 * A store that all processes can reach by themselves they do reach by themselves. A folder is one process's, so that what
 * is kept there is the primary's to keep, beside a Redis too.
 */
const keptByWorkers = ({ stores }: ConduitConfig): Stores =>
  stores.durable === 'embedded' ? { ...stores, durable: 'none' } : stores;

const keptByPrimary = ({ stores }: ConduitConfig): Stores =>
  stores.state === 'memory' || stores.durable === 'embedded' ? stores : { ...stores, state: 'memory', durable: 'none' };
