/** The exchange where there are only web streams (Workers, another server): a Response whose body is written to as bytes come. */
import { errorResponse, shuttingDown } from './errors.ts';
import type { BodyPieces, ClientExchange } from './exchange.ts';

/** Statuses with which a Response takes no body, not even an empty one. */
const BODILESS = new Set([204, 205, 304]);

export interface WebExchange extends ClientExchange {
  /** Whether an answer has begun, and goes on behind what the app has returned. */
  isStreaming(): boolean;
  /** Ends it where it is, for the client as for whoever answers. */
  cutOff(): void;
}

/** `onOver` is told once the answer is whole, or cannot become so any more; a request that is refused ends without a word to this. */
export function createWebExchange(request: Request, onOver = (): void => {}): WebExchange {
  let answered: (response: Response) => void;
  const response = new Promise<Response>((resolve) => {
    answered = resolve;
  });
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let drained: (() => void) | undefined;
  let leave: (() => void) | undefined;
  let ended = false;
  let left = false;

  const onGone = (): void => {
    if (ended || left) return;
    left = true;
    stopListening();
    leave?.();
    answered(new Response(null, { status: 499 }));
    onOver();
  };
  const onAbort = (): void => {
    // Whoever called this as a function may read on after the signal, and would wait for ever. A server cancels the body in the
    // same turn: then it is over, and this says nothing that the server would report.
    if (!ended && !left) queueMicrotask(() => controller?.error(request.signal.reason));
    onGone();
  };
  // workerd keeps a request's signal, and with it whatever listens to it: all that was asked and answered.
  const stopListening = (): void => request.signal?.removeEventListener('abort', onAbort);
  const finish = (): void => {
    ended = true;
    stopListening();
    onOver();
  };

  return {
    response,
    // The scheme's two slashes come first.
    target: request.url.slice(request.url.indexOf('/', request.url.indexOf('//') + 2)),

    header: (name) => request.headers.get(name) ?? undefined,

    async readBody(maxBytes) {
      const length = request.headers.get('content-length');
      if (Number(length) > maxBytes) return 'too_large';
      // At once: as a stream it would come in many small pieces.
      if (length !== null) return await request.bytes().catch(() => 'gone' as const);
      const chunks: Uint8Array[] = [];
      let size = 0;
      try {
        // Throws where somebody else has it, or had it.
        const reader = request.body?.getReader();
        while (reader) {
          const { done, value } = await reader.read();
          if (done) break;
          size += value.length;
          if (size > maxBytes) {
            void reader.cancel();
            return 'too_large';
          }
          chunks.push(value);
        }
      } catch {
        return 'gone';
      }
      const body = new Uint8Array(size);
      let at = 0;
      for (const chunk of chunks) {
        body.set(chunk, at);
        at += chunk.length;
      }
      return body;
    },

    readPieces: () => piecesOf(request.body),

    begin(status, headers) {
      if (BODILESS.has(status)) return answered(new Response(null, { status, headers: { ...headers } }));
      const body = new ReadableStream<Uint8Array>({
        start(given) {
          controller = given;
        },
        pull() {
          const listener = drained;
          drained = undefined;
          listener?.();
        },
        cancel: onGone,
      });
      answered(new Response(body, { status, headers: { ...headers } }));
    },
    answer(status, headers, body) {
      finish();
      const length = { 'content-length': String(body.length) };
      const isEmpty = BODILESS.has(status) || body.length === 0;
      answered(new Response(isEmpty ? null : body.slice(), { status, headers: { ...headers, ...length } }));
    },
    write(chunk) {
      if (left) return true;
      controller?.enqueue(chunk);
      return (controller?.desiredSize ?? 1) > 0;
    },
    onDrain(listener) {
      drained = listener;
    },
    end() {
      finish();
      if (!left) controller?.close();
    },

    abort() {
      finish();
      if (!left) controller?.error(new Error('the upstream broke off'));
    },

    isStreaming: () => controller !== undefined && !ended && !left,

    cutOff() {
      if (!ended && !left) {
        controller?.error(new Error('the gateway was closed'));
        // The answer, where none has begun.
        answered(errorResponse(shuttingDown));
      }
      onGone();
    },

    // Web streams tell nobody when their bytes have gone.
    sent: () => Promise.resolve(),

    // Not before: a request that is refused, or gives feedback, ends without a word to this exchange.
    onLeave(listener) {
      leave = listener;
      if (left) listener();
      else if (request.signal?.aborted) onGone();
      else if (!ended) request.signal?.addEventListener('abort', onAbort, { once: true });
    },
  };
}

function piecesOf(body: ReadableStream<Uint8Array> | null): BodyPieces {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return {
    async next() {
      // Only here: it throws where somebody else has the body, or had it.
      reader ??= body?.getReader();
      const read = await reader?.read();
      return read === undefined || read.done ? { done: true, value: undefined } : { done: false, value: read.value };
    },
    async return() {
      // A reader whose stream has failed says so again here.
      await (reader ?? body)?.cancel().catch(() => {});
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
