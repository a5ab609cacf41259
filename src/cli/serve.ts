/** `conduit serve`: serves until a signal says to end. */
import { startCluster } from '../cluster/primary.ts';
import { isWorker, serveAsWorker } from '../cluster/worker.ts';
import { fromHere } from '../config/from-here.ts';
import { type LoadResult, problemLine } from '../config/load.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import { type Log, openLog, type RunningGateway, type StderrLog, startGateway } from '../node.ts';
import { builtText, configFile, DOT_ENV, environment, KEY_VARIABLE, loadBuilt, loadFile } from './config-file.ts';
import { startReloading, textsOf } from './reload.ts';
import { SAME_SIGNAL_MS } from './same-signal.ts';

export interface ServeOptions {
  config?: string;
  host?: string;
  port?: number;
}

const NO_CONFIG = `There is no conduit.yaml here and no provider key in the environment. Ways on:
  - set a key: export OPENAI_API_KEY=... (or ANTHROPIC_, GEMINI_, GROQ_, MISTRAL_,
    DEEPSEEK_, XAI_, OPENROUTER_, TOGETHER_API_KEY, OLLAMA_HOST)
  - write a config: npx conduit-gateway init
  - watch it learn without any: npx conduit-gateway demo
  - see all commands: npx conduit-gateway --help
`;

const NO_KEY = `Set ${KEY_VARIABLE} to a long random text, which callers then send as their API key,
or name a config that has keys.
`;

const KEY_UNUSED = `${KEY_VARIABLE} is asked for once the config names it:
keys: [{ name: me, key: "\${${KEY_VARIABLE}}", admin: true }]
`;

/** Where the config comes from, at the start and whenever it is loaded again. */
interface Source {
  files: readonly string[];
  load: () => LoadResult;
  /** What is to be said beside the problem that this host is open to everybody. */
  onOpenHost: string;
}

export async function serve(options: ServeOptions): Promise<void> {
  if (isWorker) return serveAsWorker();
  const source = sourceOf(options);
  if (!source) return fail(NO_CONFIG);
  const known = textsOf(source.files);
  const loaded = source.load();
  if (!loaded.ok) {
    const lines = loaded.problems.map((problem) => `${problemLine(problem)}\n`);
    return fail(lines.join('') + (loaded.problems.some(({ path }) => path === 'server.host') ? source.onOpenHost : ''));
  }
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`);

  const { config: started } = loaded;
  const log = openLog(started.log.level);
  let gateway: RunningGateway;
  try {
    gateway = await start(started, log);
  } catch (error) {
    return fail(`${whyNotStarted(error as NodeJS.ErrnoException, started)}\n`);
  }
  const apply = async (config: ConduitConfig): Promise<void> => {
    await gateway.reload(config);
    log.setLevel(config.log.level);
  };
  const reloading = startReloading({ ...source, known, started, apply, log });
  process.on('SIGHUP', reloading.reload);
  endOnSignal(log, async () => {
    reloading.stop();
    await gateway.close();
  });
  process.stdout.write(`conduit listening on ${gateway.url}\n`);
  process.stderr.write(`${whatIsKept(started, gateway.keptIn)}\n${whereToWatch(gateway.url)}\n`);
}

function whyNotStarted({ code, syscall, message }: NodeJS.ErrnoException, { server }: ConduitConfig): string {
  const isPort = code === 'EADDRINUSE' || syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo';
  if (!isPort) return `cannot start: ${message}`;
  const why = code === 'EADDRINUSE' ? 'the port is taken (another by --port or server.port)' : message;
  return `cannot listen on ${server.host}:${server.port}: ${why}`;
}

/** For how long answers take feedback is told too, where that is less than what they are promised. */
function whatIsKept({ stores: { state, durable } }: ConduitConfig, keptIn: string | null): string {
  if (keptIn === null) {
    return 'what is learned is kept in memory: it is gone when this process ends, and only the last 10,000 answers take feedback';
  }
  const onlyTheLatest = state !== 'memory' && durable === 'none';
  return `what is learned is kept in ${keptIn}${onlyTheLatest ? ", and of each router's answers the last 100,000 take feedback" : ''}`;
}

function whereToWatch(listensOn: string): string {
  const { url, isOpenToOthers } = fromHere(listensOn);
  return `watch it at ${url}/dashboard${isOpenToOthers ? "\nother machines reach it by this machine's name or address" : ''}`;
}

function start(config: ConduitConfig, log: Log): Promise<RunningGateway> {
  return config.server.workers > 1 ? startCluster(config, { log }) : startGateway(config, { log });
}

function fail(why: string): void {
  process.stderr.write(why);
  process.exitCode = 1;
}

function sourceOf({ config, host, port }: ServeOptions): Source | null {
  const overrides = { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
  const file = configFile(config);
  if (file !== null) {
    const onOpenHost = environment()[KEY_VARIABLE] ? KEY_UNUSED : '';
    return { files: [file, DOT_ENV], load: () => loadFile(file, overrides), onOpenHost };
  }
  const built = builtText();
  if (built === null) return null;
  process.stderr.write(`no conduit.yaml here: this config comes from the keys in the environment\n\n${built}\n`);
  return { files: [DOT_ENV], load: () => loadBuilt(overrides), onOpenHost: NO_KEY };
}

/** The first signal lets answers in flight finish, a second one ends at once. */
function endOnSignal(log: StderrLog, close: () => Promise<void>): void {
  let endingSince: number | null = null;
  const exit = async (code: number): Promise<void> => {
    await log.close();
    process.exit(code);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (endingSince !== null) {
      if (performance.now() - endingSince >= SAME_SIGNAL_MS) await exit(1);
      return;
    }
    endingSince = performance.now();
    log.info({ signal }, 'ending: answers in flight may finish');
    await close();
    await exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
