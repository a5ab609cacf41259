/** The exchange on Node: straight to the server's own response, since web streams cost a proxy most of its time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { BodyPieces, ClientExchange } from './exchange.ts';

/** `preset` are headers that go out beside those that the answer begins with. */
export function createNodeExchange(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  preset?: Headers,
): ClientExchange {
  let answered: (response: Response) => void;
  const response = new Promise<Response>((resolve) => {
    answered = resolve;
  });
  let ended = false;
  let cut = false;

  return {
    response,
    target: incoming.url ?? '/',

    readBody(maxBytes) {
      return new Promise((resolve) => {
        if (Number(incoming.headers['content-length']) > maxBytes) return resolve('too_large');
        const chunks: Buffer[] = [];
        let size = 0;
        const stop = (result: Uint8Array | 'too_large' | 'gone'): void => {
          incoming.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
          resolve(result);
        };
        const onData = (chunk: Buffer): void => {
          size += chunk.length;
          if (size > maxBytes) {
            incoming.pause();
            stop('too_large');
          } else chunks.push(chunk);
        };
        const onEnd = (): void => stop(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
        const onGone = (): void => stop('gone');
        incoming.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
      });
    },

    readPieces: () => piecesOf(incoming),

    begin(status, headers) {
      if (!outgoing.destroyed) outgoing.writeHead(status, { ...(preset && Object.fromEntries(preset)), ...headers });
      answered(RESPONSE_ALREADY_SENT);
    },
    write: (chunk) => outgoing.destroyed || outgoing.write(chunk),
    onDrain: (listener) => outgoing.once('drain', listener),
    end() {
      ended = true;
      outgoing.end();
    },

    abort() {
      cut = true;
      outgoing.destroy();
    },

    onLeave(listener) {
      const left = (): void => {
        if (cut || (ended && outgoing.writableFinished)) return;
        listener();
        answered(RESPONSE_ALREADY_SENT);
      };
      if (outgoing.destroyed || outgoing.closed) left();
      else outgoing.once('close', left);
    },
  };
}

/** Read by hand: node's own iterator destroys the connection, and with it the answer, where it is left early. */
function piecesOf(incoming: IncomingMessage): BodyPieces {
  let stopped = false;
  let wake: (() => void) | undefined;
  const onChange = (): void => wake?.();
  // The last of these stays: an error that nobody listens to would end the process.
  incoming.on('readable', onChange).on('end', onChange).on('close', onChange).on('error', onChange);
  const stop = (): void => {
    stopped = true;
    incoming.off('readable', onChange).off('end', onChange).off('close', onChange);
    wake?.();
  };
  const done = { done: true, value: undefined } as const;
  return {
    async next() {
      while (!stopped) {
        const chunk = incoming.read() as Buffer | null;
        if (chunk !== null) return { done: false, value: chunk };
        if (incoming.readableEnded) stop();
        else if (incoming.destroyed || incoming.errored) {
          stop();
          throw new Error('the client left before its body was whole');
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      return done;
    },
    async return() {
      stop();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
