/** What a process takes of the processor and of memory, as Linux counts it, exactly enough for single requests. */
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds in user and system mode, of all threads. What runs at this moment is counted when it next lets go. */
export function processorMs(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // It has just ended.
    }
  }
  return nanoseconds / 1e6;
}

/** In MB, of a million bytes. */
export function residentMb(pid: number): number {
  const kilobytes = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}
