/** Runs the command line at a pseudo-terminal, and types what a person would. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { onTestFinished } from 'vitest';

const CLI = join(import.meta.dirname, '../../../src/cli.ts');

/** By `script` of util-linux, which each Debian has; the one of macOS takes other options. */
export const hasTerminal = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false;

export interface AtTerminal {
  /** Resolves with all that was shown so far, as soon as that holds the text; rejects where it ends without. */
  sees(text: string): Promise<string>;
  types(keys: string): void;
  ended: Promise<{ code: number | null; shown: string; raw: string }>;
}

export const KEYS = { enter: '\r', down: '\u001b[B', space: ' ', ctrlC: '\u0003', ctrlD: '\u0004' };

export function atTerminal(args: readonly string[], cwd: string, env: Record<string, string> = {}): AtTerminal {
  const command = [process.execPath, CLI, ...args].map((word) => `'${word}'`).join(' ');
  const child: ChildProcessWithoutNullStreams = spawn(
    'script',
    ['-qec', `stty rows 40 cols 100; ${command}`, '/dev/null'],
    {
      cwd,
      env: { PATH: process.env.PATH ?? '', SHELL: '/bin/sh', TERM: 'xterm-256color', ...env },
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let raw = '';
  const shown = (): string => stripVTControlCharacters(raw).replaceAll('\r', '');
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    for (const look of waiting) look();
  });
  const ended = new Promise<{ code: number | null; shown: string; raw: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, shown: shown(), raw }));
  });
  return {
    sees(text) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (!shown().includes(text)) return;
          waiting.delete(look);
          resolve(shown());
        };
        waiting.add(look);
        void ended.then(() => reject(new Error(`${text} was never shown, but: ${shown()}`)));
        look();
      });
    },
    types: (keys) => void child.stdin.write(keys),
    ended,
  };
}
