/** Runs the real command line as a process of its own, in a directory of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

const CLI = join(import.meta.dirname, '../../src/cli.ts');

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A new directory with these files, taken away after the test. */
export function directory(files: Record<string, string> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'conduit-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

/** None of this machine's own variables: a provider key of the developer's would change what happens. */
function start(args: readonly string[], cwd: string, env: Record<string, string>): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [CLI, ...args], { cwd, env: { PATH: process.env.PATH ?? '', ...env } });
}

export function conduit(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Ended> {
  const child = start(args, cwd, env);
  child.stdin.end();
  return ended(child);
}

/** Its stdout is a disk on which there is no room. */
export function conduitIntoFull(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Omit<Ended, 'stdout'>> {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}

/** One that is not at its end yet, and whose stdin is open. */
export function startConduit(
  args: readonly string[],
  cwd: string,
): { process: ChildProcessWithoutNullStreams; ended: Promise<Ended> } {
  const child = start(args, cwd, {});
  onTestFinished(() => void child.kill('SIGKILL'));
  return { process: child, ended: ended(child) };
}

export interface Serving {
  firstLine: string;
  url: string;
  process: ChildProcessWithoutNullStreams;
  ended: Promise<Ended>;
  /** The first line on stderr, said already or still to come, that matches; rejects where the process ends without. */
  said(what: RegExp): Promise<string>;
}

/** Resolves at the first line on stdout; rejects with what was said on stderr where the process ends before. */
export async function serve(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<Serving> {
  const child = start(['serve', ...args], cwd, env);
  onTestFinished(() => void child.kill('SIGKILL'));
  const end = ended(child);
  const said = listenTo(child);
  const firstLine = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    end.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  return { firstLine, url: firstLine.replace('conduit listening on ', ''), process: child, ended: end, said };
}

/** Finds lines in all that the process says on stderr. */
function listenTo(child: ChildProcessWithoutNullStreams): Serving['said'] {
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look(line);
  });
  return (what) =>
    new Promise((resolve, reject) => {
      const look = (line: string): void => {
        if (!what.test(line)) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      child.once('close', () => reject(new Error(`${what} was never said, but: ${lines.join('\n')}`)));
      for (const line of lines) look(line);
    });
}

function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}
