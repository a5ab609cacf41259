/** The two processes beside the clients: the faulty upstream, and the gateway as an operator starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { START_ARGUMENTS, START_ENVIRONMENT } from '../start-command.ts';
import type { UpstreamState } from './mock.ts';

export const KEYS = { user: 'soak-user', narrow: 'soak-narrow', admin: 'soak-admin', wrong: 'soak-wrong' } as const;

/** Longer than it may take to let answers in flight finish. */
const CLOSE_MS = 45_000;

export interface Upstream {
  port: number;
  state(): Promise<UpstreamState>;
  close(): void;
}

export interface Memory {
  heapUsed: number;
  external: number;
  rss: number;
  /** What keeps the event loop alive, by kind: sockets, timers. */
  resources: Record<string, number>;
}

export interface Gateway {
  port: number;
  logFile: string;
  exited(): number | NodeJS.Signals | null;
  /** After a full garbage collection. */
  memory(): Promise<Memory>;
  /** Open file descriptors; null where the system does not show them. */
  descriptors(): number | null;
  /** SIGTERM; gives the exit code, null where it had to be killed in the end. */
  close(): Promise<number | null>;
}

export async function startUpstream(): Promise<Upstream> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'mock.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  return {
    port,
    state: () => askChild<UpstreamState>(child),
    close: () => child.disconnect(),
  };
}

/** Answers each message with what memory is held, from outside the product: loaded before it, and none of it. */
const PROBE = `data:text/javascript,${encodeURIComponent(`
// A soak that is killed leaves no gateway behind.
process.on('disconnect', () => process.exit());
process.on('message', () => {
  gc();
  gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  process.send({ heapUsed, external, rss, resources });
});
`)}`;

/** `folder` holds its config and its log. */
export async function startGateway(upstreamPort: number, folder: string): Promise<Gateway> {
  const config = join(folder, 'conduit.yaml');
  const logFile = join(folder, 'log.jsonl');
  writeFileSync(config, configText(upstreamPort));
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, ...START_ARGUMENTS, '--config', config], {
    stdio: ['ignore', 'pipe', log, 'ipc'],
    cwd: folder,
    env: { ...process.env, ...START_ENVIRONMENT },
  });
  closeSync(log);
  const ended = once(child, 'exit');
  const ready = once(child.stdout as NodeJS.ReadableStream, 'data').then(([line]) => String(line));
  const line = await Promise.race([ready, ended.then(() => readFileSync(logFile, 'utf8'))]);
  const port = Number(/listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  if (!port) throw new Error(`the gateway did not start: ${line}`);
  return {
    port,
    logFile,
    exited: () => child.exitCode ?? child.signalCode,
    memory: () => askChild<Memory>(child),
    descriptors: () => (existsSync(`/proc/${child.pid}/fd`) ? readdirSync(`/proc/${child.pid}/fd`).length : null),
    async close() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS);
      const [code] = (await ended) as [number | null];
      clearTimeout(late);
      return code;
    },
  };
}

async function askChild<T>(child: ChildProcess): Promise<T> {
  const answered = once(child, 'message');
  child.send('state');
  const [answer] = (await answered) as [T];
  return answer;
}

/** Everything on; limits so high that none is reached; time-outs so short that a stall costs the soak little. */
const configText = (upstreamPort: number): string => `
server: { host: 127.0.0.1, port: 0, max_body_bytes: 1048576, cors: ["https://app.example"], secret: soak-secret-soak-secret }
keys:
  - { name: user, key: ${KEYS.user}, requests_per_minute: 100000000, usd_per_day: 1000000 }
  - { name: narrow, key: ${KEYS.narrow}, models: [mock/*], requests_per_minute: 100000000, usd_per_day: 1000000 }
  - { name: admin, key: ${KEYS.admin}, admin: true }
providers:
  mock: { base_url: "http://127.0.0.1:${upstreamPort}/v1", api_key: [provider-one, provider-two] }
  plain: { base_url: "http://127.0.0.1:${upstreamPort}/v1", api_key: provider-three, stream_usage: false }
models:
  - { id: mock/a, price: { input: 1, output: 4 }, timeouts: &limits { connect_ms: 5000, first_byte_ms: 1000, idle_ms: 1000, total_ms: 20000 } }
  - { id: mock/b, price: { input: 2, output: 8 }, timeouts: *limits }
  - { id: plain/c, price: { input: 0.5, output: 2 }, timeouts: *limits }
  - { id: plain/d, price: { input: 4, output: 16 }, timeouts: *limits }
routers:
  auto:
    models: [mock/a, mock/b, plain/c, plain/d]
    answers_to: ["gpt-4o*"]
    policy: linear-thompson
    prefer: balanced
    explore: { floor: 0.05, warmup: 8 }
    sticky: conversation
    fallbacks: 2
    usd_per_day: 1000000
log: { requests: true }
`;
