/** An upstream and a client that are played by hand; `did` is all that reached either of them, in order. */
import { vi } from 'vitest';
import type { AttemptEnd } from '../../src/upstream/outcome.ts';
import type { ClientSink, Send, UpstreamEvents } from '../../src/upstream/port.ts';
import { textOf } from './cuts.ts';

export interface Played {
  did: string[];
  send: Send;
  client: ClientSink;
  clock: () => number;
  begin: (status: number) => void;
  /** What the upstream says; undefined before it was asked. */
  upstream: () => UpstreamEvents | undefined;
  /** The client reads again. */
  drain: () => void;
  /** What the client has been sent. */
  text: () => string;
  /** How it ended, or null; throws where it ended twice. */
  watch(ended: Promise<AttemptEnd>): () => Promise<AttemptEnd | null>;
}

/** `full` tells whether the client has more than it reads. */
export function playSides(full: () => boolean = () => false): Played {
  const did: string[] = [];
  const written: Uint8Array[] = [];
  let upstream: UpstreamEvents | undefined;
  let drain = (): void => {};
  return {
    did,
    send: (_request, events) => {
      upstream = events;
      return { pause: () => did.push('pause'), resume: () => did.push('resume'), cancel: () => did.push('cancel') };
    },
    client: {
      begin: () => {},
      write(chunk) {
        did.push('write');
        written.push(chunk.slice());
        return !full();
      },
      onDrain: (listener) => {
        drain = listener;
      },
      end: () => did.push('end'),
      abort: () => did.push('abort'),
      onLeave: () => {},
    },
    clock: () => performance.now(),
    begin: (status) => did.push(`begin ${status}`),
    upstream: () => upstream,
    drain: () => drain(),
    text: () => written.map(textOf).join(''),
    watch(ended) {
      const ends: AttemptEnd[] = [];
      void ended.then((end) => ends.push(end));
      return async () => {
        await vi.advanceTimersByTimeAsync(0);
        if (ends.length > 1) throw new Error('it ended more than once');
        return ends[0] ?? null;
      };
    },
  };
}
