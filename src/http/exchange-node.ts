/** The exchange on Node: straight to the server's own response, since web streams cost a proxy most of its time. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { ClientExchange } from './exchange.ts';

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
