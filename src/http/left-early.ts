/** A client that has gone before its request was whole. */
import type { Context } from 'hono';
import type { Caller } from './authenticate.ts';
import { badRequest, errorResponse } from './errors.ts';
import type { Gateway } from './gateway.ts';

/** As nginx has it: no status of HTTP, since none is sent. */
const CLIENT_CLOSED_REQUEST = 499;

/** For a program around this one, which may have read the body itself: a client that has gone reads nothing. */
const unread = badRequest(
  'The body could not be read to its end: it broke off, or was read before it came to Conduit.',
);

export function leftEarly({ req }: Context, { observer }: Gateway, { name }: Caller, route: string): Response {
  const status = CLIENT_CLOSED_REQUEST;
  observer.answered({ method: req.method, route, status, code: 'client_abort', key: name, traced: null });
  return errorResponse(unread.fields);
}
