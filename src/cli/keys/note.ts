/** Sentences for the person at the terminal, beside what the command gives. */
import { paragraph } from '../terminal/paragraph.ts';
import { screenOf } from '../terminal/screen.ts';

export function note(sentences: readonly string[]): void {
  const screen = screenOf(process.stderr);
  process.stderr.write(`${sentences.flatMap((sentence) => paragraph(sentence, screen)).join('\n')}\n`);
}
