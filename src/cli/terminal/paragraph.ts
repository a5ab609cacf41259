/** Sentences that fit the screen. */
import wrapAnsi from 'wrap-ansi';
import type { Screen } from './screen.ts';

/** Broken between words, and within one alone that is wider than the screen. */
export const paragraph = (text: string, { columns }: Screen): string[] =>
  wrapAnsi(text, columns, { hard: true }).split('\n');
