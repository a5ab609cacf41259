/**
 * What clients get out of one turn of the event loop goes out together, at its end. Each write may wake whoever sleeps on
 * the other side, which costs several times the write itself: back to back, one waking serves many.
 */

export interface Flushable {
  flush(): void;
}

let waiting: Flushable[] = [];
/** How many have been asked for in this turn; 0 between turns. */
let asked = 0;
/** Whether the last turn with any had one alone: then there is nothing to be gained by waiting. */
let isQuiet = true;

/** Calls `flush` at the turn's end, or, where little is going on, as soon as what is running now has ended. */
export function flushSoon(one: Flushable): void {
  waiting.push(one);
  asked++;
  if (asked > 1) return;
  if (isQuiet) queueMicrotask(flushAll);
  setImmediate(endTurn);
}

function endTurn(): void {
  isQuiet = asked === 1;
  asked = 0;
  flushAll();
}

function flushAll(): void {
  const due = waiting;
  waiting = [];
  for (const one of due) one.flush();
}
