/**
 * What clients get out of one turn of the event loop goes out together, at the turn's end. Each write may wake whoever
 * sleeps on the other side, which costs several times the write itself: back to back, one waking serves many.
 */

export interface Flushable {
  flush(): void;
}

let waiting: Flushable[] = [];

/** Calls `flush` behind what the sockets that are ready now bring: microseconds later where little is going on. */
export function flushSoon(one: Flushable): void {
  if (waiting.push(one) === 1) setImmediate(flushAll);
}

function flushAll(): void {
  const due = waiting;
  waiting = [];
  for (const one of due) one.flush();
}
