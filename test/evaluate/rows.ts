/** Rows of a replay out of the lines of a recorded file. */
import { readLines } from '../../src/cli/recorded-lines.ts';
import { type ReplayRow, rowsOf } from '../../src/evaluate/replay.ts';
import type { Line } from './recorded.ts';

export function rowsFrom(lines: readonly Line[]): ReplayRow[] {
  const read = readLines();
  for (const line of lines) {
    const problem = read.add(JSON.stringify(line));
    if (problem !== null) throw new Error(problem);
  }
  return rowsOf(read.recorded());
}
