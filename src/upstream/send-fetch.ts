/** Sends upstream requests through `fetch` with a pull loop of its own, where there is nothing faster (Workers). */
import type { Send, UpstreamRequest } from './port.ts';

export function createFetchSender(fetch: typeof globalThis.fetch): Send {
  return (request, events) => {
    const aborter = new AbortController();
    let over = false;
    let gate: { promise: Promise<void>; open: () => void } | undefined;

    const run = async (): Promise<void> => {
      // fetch has no connect time-out of its own: until the headers are here, connecting and waiting look the same,
      // and the attempt's first-byte limit bounds both.
      let response: Response;
      try {
        response = await fetch(request.url, {
          method: request.method,
          headers: request.headers,
          ...bodyOf(request.body),
          redirect: 'manual', // a redirect could carry the provider's key to another host
          signal: aborter.signal,
        });
      } catch (error) {
        if (!over) events.failed({ kind: 'connect', message: messageOf(error) });
        return;
      }
      if (over) return;
      events.headers(response.status, headersOf(response));
      if (over) return;
      const reader = response.body?.getReader();
      try {
        while (reader) {
          await gate?.promise;
          const { done, value } = await reader.read();
          if (over) return;
          if (done) break;
          events.data(value);
        }
      } catch (error) {
        if (!over) events.failed({ kind: 'reset', message: messageOf(error) });
        return;
      }
      await gate?.promise;
      if (!over) events.end();
    };
    void run();

    return {
      pause() {
        if (gate) return;
        let open = () => {};
        const promise = new Promise<void>((resolve) => {
          open = resolve;
        });
        gate = { promise, open };
      },
      resume() {
        gate?.open();
        gate = undefined;
      },
      cancel() {
        over = true;
        gate?.open();
        aborter.abort();
      },
    };
  };
}

/** fetch has undone the encoding, but still tells it, and the length that the encoded body had. */
function headersOf(response: Response): Record<string, string> {
  const { 'content-encoding': encoding, ...headers } = Object.fromEntries(response.headers);
  if (encoding !== undefined) delete headers['content-length'];
  return headers;
}

/** A body that comes in pieces is a stream to `fetch`, which sends it before it has an answer. */
function bodyOf(body: UpstreamRequest['body']): RequestInit {
  if (body === null) return {};
  if (typeof body === 'string' || body instanceof Uint8Array) return { body } as RequestInit;
  const pieces = body[Symbol.asyncIterator]();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return?.();
    },
  });
  return { body: stream, duplex: 'half' } as RequestInit;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
