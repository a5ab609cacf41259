/** Prints what a command found: one JSON document for programs, or a text that fits the screen for people. */
import { CommandFailed } from '../command-failed.ts';
import { type Screen, screenOf } from './screen.ts';

export interface Result {
  /** Names in snake_case. */
  document: unknown;
  /** Lines without line feeds. */
  text: (screen: Screen) => readonly string[];
}

/** Rejects with `CommandFailed` where stdout takes nothing more. */
export async function printResult({ json = false }: { json?: boolean }, { document, text }: Result): Promise<void> {
  const lines = json ? [JSON.stringify(document, null, 2)] : text(screenOf(process.stdout));
  await writeToStdout(lines.map((line) => `${line}\n`).join(''));
}

/** Resolves when it is written. Rejects with `CommandFailed`, as where the reader has gone, which `head` does. */
export function writeToStdout(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject(new CommandFailed(`stdout cannot be written (${error.code})`));
    // Else it would end the process, too.
    process.stdout.once('error', failed);
    process.stdout.write(text, (error) => {
      if (error) return failed(error);
      process.stdout.off('error', failed);
      resolve();
    });
  });
}
