/** What a process and its children have used, as Linux counts it in `/proc`. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  /** Processor time since the start, in user and system mode, in microseconds. */
  cpuMicroseconds: number;
  /** Resident memory in MB (1e6 bytes); pages that two processes share are counted in both. */
  residentMb: number;
}

export const hasProc = existsSync('/proc/self/stat');

interface Stat {
  pid: number;
  parent: number;
  ticks: number;
  pages: number;
}

let ticksPerSecond: number | undefined;
let pageBytes: number | undefined;

/** Null where there is no `/proc`, or no such process any more. */
export function readUsage(pid: number): Usage | null {
  if (!hasProc) return null;
  ticksPerSecond ??= systemConstant('CLK_TCK');
  pageBytes ??= systemConstant('PAGESIZE');
  const family = familyOf(pid);
  if (family.length === 0) return null;
  const sum = (of: (stat: Stat) => number) => family.reduce((total, stat) => total + of(stat), 0);
  return {
    cpuMicroseconds: (sum(({ ticks }) => ticks) / ticksPerSecond) * 1e6,
    residentMb: (sum(({ pages }) => pages) * pageBytes) / 1e6,
  };
}

function systemConstant(name: string): number {
  return Number(execFileSync('getconf', [name], { encoding: 'utf8' }));
}

function familyOf(root: number): Stat[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? statOf(Number(name)) : []));
  const family = all.filter(({ pid }) => pid === root);
  // The list grows while it is walked, so that grandchildren come in too.
  for (const { pid } of family) family.push(...all.filter(({ parent }) => parent === pid));
  return family;
}

function statOf(pid: number): Stat[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command's name, which may hold spaces and brackets: fields are counted from its end.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent, utime, stime, reapedUtime, reapedStime, pages] = [1, 11, 12, 13, 14, 21].map((i) => fields[i] ?? 0);
    return [{ pid, parent: parent!, ticks: utime! + stime! + reapedUtime! + reapedStime!, pages: pages! }];
  } catch {
    return [];
  }
}
