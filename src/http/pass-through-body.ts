/** The body of a request that is passed through: JSON is held, everything else goes on as it comes. */
import { editBody } from '../upstream/body.ts';
import { isJson } from '../upstream/content.ts';
import { boundaryOf, type Field, findField, isAmbiguous, LOOKED_THROUGH } from '../upstream/multipart.ts';
import type { UpstreamRequest } from '../upstream/port.ts';
import { concatenated } from '../upstream/whole-lines.ts';
import { ApiError, badRequest, bodyTooLarge } from './errors.ts';
import type { BodyPieces, ClientExchange } from './exchange.ts';
import { readJsonObject } from './wire.ts';

export interface PassedBody {
  /** The model that it names; null where none was found. */
  model: string | null;
  /** Whether it asks for a stream. */
  stream: boolean;
  /** Characters of a body that is held, 0 for every other. */
  characters: number;
  /** Whether it can be sent more than once. */
  repeatable: boolean;
  /** As it goes up, with another model where one is given, and what the upstream's headers say of its length. */
  toUpstream(model: string | null): { body: UpstreamRequest['body']; headers: Readonly<Record<string, string>> };
  /** Reads no more of it. */
  release(): void;
}

/**
 * Throws a 413 or a 400 for JSON that is too large, or is none. A body that is streamed may be of any size. `isLimited`: the
 * caller may not ask for every model, or not spend everything, so that a body must not hide what it asks for.
 */
export async function readPassedBody(
  exchange: ClientExchange,
  method: string,
  header: (name: string) => string | undefined,
  maxBytes: number,
  isLimited: boolean,
): Promise<PassedBody | 'gone'> {
  const type = header('content-type') ?? '';
  if (method === 'GET' || method === 'HEAD') return NONE;
  if (isJson(type)) return await readJson(exchange, maxBytes, isLimited);
  const pieces = exchange.readPieces();
  try {
    return await readStreamed(pieces, type, header, isLimited);
  } catch (error) {
    await pieces.return();
    if (error instanceof ApiError) throw error;
    return 'gone';
  }
}

const NONE: PassedBody = {
  model: null,
  stream: false,
  characters: 0,
  repeatable: true,
  toUpstream: () => ({ body: null, headers: {} }),
  release: () => {},
};

async function readJson(exchange: ClientExchange, maxBytes: number, isLimited: boolean): Promise<PassedBody | 'gone'> {
  const bytes = await exchange.readBody(maxBytes);
  if (bytes === 'gone') return bytes;
  if (bytes === 'too_large') throw bodyTooLarge(maxBytes);
  // Some clients name a type for a body that they leave out.
  if (bytes.length === 0) return NONE;
  const { text, value } = readJsonObject(bytes);
  if (isLimited && Object.hasOwn(value, 'model') && (typeof value.model !== 'string' || value.model === '')) {
    throw badRequest("Invalid type for 'model': expected a string that is not empty.", 'model', 'invalid_type');
  }
  return {
    model: typeof value.model === 'string' && value.model !== '' ? value.model : null,
    stream: value.stream === true,
    characters: text.length,
    repeatable: true,
    toUpstream: (model) => ({
      body: model === null ? bytes : editBody(text, { set: new Map([['model', JSON.stringify(model)]]) }),
      headers: {},
    }),
    release: () => {},
  };
}

async function readStreamed(
  pieces: BodyPieces,
  type: string,
  header: (name: string) => string | undefined,
  isLimited: boolean,
): Promise<PassedBody> {
  const boundary = boundaryOf(type);
  const { head, field: found } = await readHead(pieces, boundary, isLimited ? LOOKED_THROUGH : 0);
  if (head.length === 0) return NONE;
  const length = header('content-length');
  const encoding = header('content-encoding');
  if (isLimited) refuseWhatHides(head, type, encoding, boundary, found);
  return {
    model: found?.value || null,
    stream: false,
    characters: 0,
    repeatable: false,
    toUpstream(model) {
      const first = found && model !== null ? withValue(head, found, model) : head;
      const total = length === undefined ? undefined : String(Number(length) + first.length - head.length);
      return {
        body: prepended(first, pieces),
        headers: {
          ...(total !== undefined && { 'content-length': total }),
          ...(encoding !== undefined && { 'content-encoding': encoding }),
        },
      };
    },
    release: () => void pieces.return(),
  };
}

/** Bytes that come one by one are not looked through anew for each, but when so much more is there. */
const LOOK_AGAIN_AT = 1.25;

/** The first bytes, read until they tell whether they name a model. */
async function readHead(
  pieces: BodyPieces,
  boundary: string | null,
  least: number,
): Promise<{ head: Uint8Array; field: Field | null }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let lookedAt = 0;
  for (;;) {
    const { done, value } = await pieces.next();
    if (value) parts.push(value);
    size += value?.length ?? 0;
    if (!done && size < lookedAt * LOOK_AGAIN_AT) continue;
    lookedAt = size;
    const head = concatenated(parts);
    const field = boundary === null ? null : findField(head, boundary, 'model');
    if (field !== 'more' && (done || size >= least)) return { head, field };
    if (done && field === 'more') return { head, field: null };
  }
}

/** Throws for a body in which servers may find another model than is found here, or of which nothing can be read. */
function refuseWhatHides(
  head: Uint8Array,
  type: string,
  encoding: string | undefined,
  boundary: string | null,
  found: Field | null,
): void {
  if (boundary === null || !/^(identity)?$/i.test(encoding ?? '')) {
    throw new ApiError({
      status: 415,
      message:
        'This key may send application/json and multipart/form-data alone, and neither packed: its models or money are limited.',
      code: 'unsupported_media_type',
    });
  }
  const another = found && findField(head.subarray(found.end), boundary, 'model');
  if (isAmbiguous(head, type, boundary) || (another && another !== 'more')) {
    throw badRequest(
      'The multipart body names its model, or a part, in more than one way.',
      'model',
      'invalid_multipart',
    );
  }
}

const withValue = (bytes: Uint8Array, { start, end }: Field, value: string): Uint8Array =>
  concatenated([bytes.subarray(0, start), new TextEncoder().encode(value), bytes.subarray(end)]);

function prepended(first: Uint8Array, rest: BodyPieces): AsyncIterableIterator<Uint8Array> {
  let isFirst = true;
  return {
    async next() {
      if (!isFirst) return await rest.next();
      isFirst = false;
      return { done: false, value: first };
    },
    return: () => rest.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
