/** `conduit serve`: serves until a signal says to end. */
import { configFromEnvironment } from '../config/from-environment.ts';
import { type LoadResult, problemLine } from '../config/load.ts';
import { type RunningGateway, startGateway } from '../node.ts';
import { configFile, loadDotEnv, loadFile, loadText } from './config-file.ts';

export interface ServeOptions {
  config?: string;
  host?: string;
  port?: number;
}

const NO_CONFIG = `There is no conduit.yaml here and no provider key in the environment. Three ways on:
  - set a key: export OPENAI_API_KEY=... (or ANTHROPIC_, GEMINI_, GROQ_, MISTRAL_, DEEPSEEK_, XAI_, OPENROUTER_, TOGETHER_API_KEY, OLLAMA_HOST)
  - write a config: npx conduit init
  - watch it learn without any: npm run demo
`;

export async function serve(options: ServeOptions): Promise<void> {
  loadDotEnv();
  const loaded = load(options);
  if (!loaded) {
    process.stderr.write(NO_CONFIG);
    process.exitCode = 1;
    return;
  }
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stderr.write(`${problemLine(problem)}\n`);
    process.exitCode = 1;
    return;
  }
  for (const warning of loaded.warnings) process.stderr.write(`warning: ${warning}\n`);

  let gateway: RunningGateway;
  try {
    gateway = await startGateway(loaded.config);
  } catch (error) {
    const { host, port } = loaded.config.server;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is taken' : message;
    process.stderr.write(`cannot listen on ${host}:${port}: ${why}\n`);
    process.exitCode = 1;
    return;
  }
  process.stdout.write(`conduit listening on ${gateway.url}\n`);
  process.stderr.write('what is learned is kept in memory: it is gone when this process ends\n');
  endOnSignal(gateway);
}

function load({ config, host, port }: ServeOptions): LoadResult | null {
  const overrides = { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
  const file = configFile(config);
  if (file !== null) return loadFile(file, overrides);
  const built = configFromEnvironment(process.env);
  if (!built) return null;
  process.stderr.write(`no conduit.yaml here: this config comes from the keys in the environment\n\n${built.text}\n`);
  return loadText(built.text, overrides);
}

/** The first signal lets answers in flight finish, a second one ends at once. */
function endOnSignal(gateway: RunningGateway): void {
  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    await gateway.close();
    process.exit(0);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}
