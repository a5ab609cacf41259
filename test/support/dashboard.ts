/** What the dashboard's events tell, one after the other. */
import type { Snapshot } from '../../src/dashboard/snapshot.ts';

export interface Events {
  response: Response;
  /** The next event of this kind. Rejects where the stream ends before. */
  next(event: string): Promise<Snapshot>;
  /** The next event of one of these kinds. */
  nextOf(events: readonly string[]): Promise<Snapshot>;
  nextWhere(event: string, isIt: (told: Snapshot) => boolean): Promise<Snapshot>;
  ended: Promise<void>;
  leave(): void;
}

export function eventsOf(response: Response, leave: () => void): Events {
  const told: { event: string; data: Snapshot }[] = [];
  let wake = (): void => {};
  let isOver = false;
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const bytes of response.body as ReadableStream<Uint8Array>) {
        text += decoder.decode(bytes, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() as string;
        for (const block of blocks) {
          const event = /^event: (.*)$/m.exec(block)?.[1];
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (event && data) told.push({ event, data: JSON.parse(data) as Snapshot });
        }
        wake();
      }
    } catch {
      // The test has left.
    }
    isOver = true;
    wake();
  };
  const ended = read();
  const nextAmong = async (events: readonly string[], isIt: (told: Snapshot) => boolean): Promise<Snapshot> => {
    for (;;) {
      for (let one = told.shift(); one; one = told.shift())
        if (events.includes(one.event) && isIt(one.data)) return one.data;
      if (isOver) throw new Error(`the stream ended before ${events.join(' or ')}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    response,
    next: (event) => nextAmong([event], () => true),
    nextOf: (events) => nextAmong(events, () => true),
    nextWhere: (event, isIt) => nextAmong([event], isIt),
    ended,
    leave,
  };
}
