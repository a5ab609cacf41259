/** A client that has gone before its request was whole: nobody reads what it is answered. */
import type { Context } from 'hono';
import type { Caller } from './authenticate.ts';
import type { Gateway } from './gateway.ts';

/** As nginx has it: no status of HTTP, since none is sent. */
const CLIENT_CLOSED_REQUEST = 499;

export function leftEarly({ req }: Context, { observer }: Gateway, { name }: Caller, route: string): Response {
  const status = CLIENT_CLOSED_REQUEST;
  observer.answered({ method: req.method, route, status, code: 'client_abort', key: name, traced: null });
  return new Response(null, { status: 400 });
}
