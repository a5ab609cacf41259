/** Processes and folders of the bench: nothing of either is left behind, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const groups = new Set<number>();
const folders = new Set<string>();

/** To be called once, before anything is started. */
export function cleanUpAtExit(): void {
  process.on('exit', () => {
    for (const group of groups) killGroup(group);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGHUP', () => process.exit(129));
}

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-bench-'));
  folders.add(folder);
  return folder;
}

export interface Running {
  pid: number;
  /** False once it has ended by itself. */
  alive(): boolean;
  stop(): Promise<void>;
}

export interface Command {
  command: string;
  arguments: readonly string[];
  folder: string;
  environment?: Readonly<Record<string, string>>;
}

/** Starts a program in a process group of its own, so that its children end with it. */
export async function start(program: Command): Promise<Running> {
  return (await launch(program, 'ignore')).running;
}

/** The same, and waits for the line on stdout by which it says that it is ready. */
export async function startUntil(
  program: Command,
  ready: RegExp,
): Promise<{ running: Running; match: RegExpExecArray }> {
  const { child, running } = await launch(program, 'pipe');
  const match = await lineOf(child, ready);
  if (match) return { running, match };
  await running.stop();
  throw new Error(`it ended: ${lastWords(program.folder)}`);
}

/** Why a program has failed: the first line of its stderr that names an error, else the last. */
export function lastWords(folder: string): string {
  const lines = readFileSync(join(folder, 'stderr'), 'utf8').trim().split('\n');
  return lines.find((line) => /\berror\b|Error:/i.test(line)) ?? lines.at(-1) ?? '';
}

async function launch(
  { command, arguments: args, folder, environment }: Command,
  stdout: 'pipe' | 'ignore',
): Promise<{ child: ChildProcess; running: Running }> {
  // A file, since a pipe would cost this process what the target logs.
  const stderr = openSync(join(folder, 'stderr'), 'w');
  const child = spawn(command, args, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', stdout, stderr],
    env: { ...process.env, ...environment },
  });
  closeSync(stderr);
  // Rejects where there is no such program.
  await once(child, 'spawn');
  const pid = child.pid!;
  groups.add(pid);
  const ended = once(child, 'exit').then(() => groups.delete(pid));
  const running: Running = {
    pid,
    alive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      killGroup(pid);
      await ended;
    },
  };
  return { child, running };
}

async function lineOf(child: ChildProcess, ready: RegExp): Promise<RegExpExecArray | null> {
  const lines = createInterface({ input: child.stdout! });
  try {
    for await (const line of lines) {
      const match = ready.exec(line);
      if (match) return match;
    }
    return null;
  } finally {
    // Whatever else it prints must not fill the pipe.
    child.stdout?.resume();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

/** A port that is free now, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
