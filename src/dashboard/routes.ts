/** `GET /dashboard` and what its page asks for: who may see it, and nothing that another site could make of it. */
import { type Context, Hono } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { streamSSE } from 'hono/streaming';
import { type Caller, keyBehind, requireAdmin } from '../http/authenticate.ts';
import { getDecision } from '../http/decisions.ts';
import { ApiError, badRequest, bodyTooLarge, errorCode } from '../http/errors.ts';
import type { Gateway } from '../http/gateway.ts';
import { NOT_FOUND, PAGE, type PageFile, SIGN_IN } from '../http/page-files.ts';
import { learnerNamed } from '../http/routers.ts';
import { sendEvents } from './events.ts';
import { RANGE_NAMES, type RangeName } from './ranges.ts';
import { SESSION_MS, sessionOf, sessionToken } from './session.ts';
import { join } from './watching.ts';

const COOKIE = 'conduit_dashboard';
const PATH = '/dashboard';
/** Bytes of a sign-in. */
const LARGEST_FORM = 4096;

const SECURITY: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not `no-referrer`: with that a browser says of the form that its origin is null.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

interface Viewer {
  caller: Caller;
  /** The key that somebody has signed in with; null where no session is behind it. */
  signedInAs: string | null;
  /** When that ends; milliseconds since 1970. */
  until: number;
}

/** Whether the dashboard answers this. */
export const isDashboard = (path: string): boolean => path === PATH || path.startsWith(`${PATH}/`);

/**
 * An app of its own, since its routes would make those of all others slower to find. `callerOf` throws for a missing or wrong key;
 * `nothingHere` is what programs are answered where there is nothing.
 */
export function createDashboard(
  gateway: Gateway,
  callerOf: (context: Context) => Caller,
  nothingHere: (context: Context) => Response,
): Hono {
  const { config, runtime } = gateway;
  const app = new Hono();

  /** Throws a 401 for somebody unknown and a 403 for a key that is no admin's. */
  const viewerOf = (context: Context): Viewer => {
    requireOwnPage(context);
    if (config.keys.length > 0 && context.req.header('authorization') === undefined) {
      const session = sessionOf(getCookie(context, COOKIE), config.keys, runtime.digest, runtime.now());
      if (!session) throw notSignedIn();
      return { caller: session.key, signedInAs: session.key.name, until: session.until };
    }
    const caller = callerOf(context);
    requireAdmin(caller);
    return { caller, signedInAs: null, until: Number.POSITIVE_INFINITY };
  };

  const isViewer = (context: Context): boolean => {
    if (config.keys.length === 0) return true;
    if (context.req.header('authorization') === undefined)
      return sessionOf(getCookie(context, COOKIE), config.keys, runtime.digest, runtime.now()) !== null;
    requireAdmin(callerOf(context));
    return true;
  };

  /** As JSON `{"key"}`, as a form's field, or as any other route takes it. Throws a 400 or a 413 where it is none of these. */
  const keyIn = async (context: Context, isForm: boolean): Promise<string> => {
    const bearer = /^Bearer\s+(.+)$/i.exec(context.req.header('authorization') ?? '')?.[1];
    if (bearer) return bearer.trim();
    const bytes = await gateway.openExchange(context).readBody(LARGEST_FORM);
    if (bytes === 'too_large') throw bodyTooLarge(LARGEST_FORM);
    const text = bytes === 'gone' ? '' : decoder.decode(bytes);
    const key = isForm ? new URLSearchParams(text).get('key') : keyInJson(text);
    if (typeof key !== 'string')
      throw badRequest('Expected {"key": "…"}: a key of this gateway with admin: true.', 'key');
    return key.trim();
  };

  /** Gives the key's name. Throws a 401 for a key that is missing or wrong, and a 403 for one that is no admin's. */
  const signIn = (context: Context, given: string): string => {
    const key = keyBehind(given, config.keys, runtime.sha256Hex);
    requireAdmin(key);
    const until = runtime.now() + SESSION_MS;
    setCookie(context, COOKIE, sessionToken({ key, until }, runtime.digest), {
      httpOnly: true,
      sameSite: 'Strict',
      secure: isSecure(context),
      path: PATH,
      maxAge: SESSION_MS / 1000,
    });
    return key.name;
  };

  /** Whoever tries keys must not go unseen. What is thrown is told of where it is caught. */
  const tried = (status: number, code: string | null, key: string | null): void =>
    gateway.observer.answered({ method: 'POST', route: 'dashboard/session', status, code, key, traced: null });

  /** A page that shows nothing of the gateway, with this said in it where it has a place for that. */
  const door = async (context: Context, name: string, status: 401 | 403 | 404, message = ''): Promise<Response> => {
    const { text, type } = fileNamed(await gateway.page(), name);
    const headers = { ...SECURITY, 'content-type': type, 'cache-control': 'no-store' };
    return context.body(text.replace('<!-- message -->', message), status, headers);
  };

  app.get(PATH, async (context) => {
    if (!isViewer(context)) return await door(context, SIGN_IN, 401);
    return serve(context, fileNamed(await gateway.page(), PAGE), 'no-store');
  });
  app.get(`${PATH}/`, (context) => context.redirect('../dashboard', 308));

  /** With the router and the time that it was asked for with. */
  const pageFrom = (context: Context): string => `../dashboard${new URL(context.req.url).search}`;

  // Where the form has told that a key is wrong, and somebody reloads the page or keeps its address.
  app.get(`${PATH}/session`, (context) => context.redirect(pageFrom(context), 303));
  app.post(`${PATH}/session`, async (context) => {
    requireOwnPage(context);
    const isForm = context.req.header('content-type')?.startsWith('application/x-www-form-urlencoded') ?? false;
    if (config.keys.length === 0) return isForm ? context.redirect(pageFrom(context), 303) : context.body(null, 204);
    const given = await keyIn(context, isForm);
    try {
      const name = signIn(context, given);
      tried(isForm ? 303 : 204, null, name);
    } catch (error) {
      if (!isForm || !(error instanceof ApiError)) throw error;
      const isKnown = error.fields.status === 403;
      tried(error.fields.status, errorCode(error.fields), null);
      return await door(
        context,
        SIGN_IN,
        isKnown ? 403 : 401,
        isKnown
          ? 'This key may not see the dashboard: it needs a key with admin: true.'
          : 'This is not a key of this gateway.',
      );
    }
    context.header('cache-control', 'no-store');
    return isForm ? context.redirect(pageFrom(context), 303) : context.body(null, 204);
  });

  app.delete(`${PATH}/session`, (context) => {
    requireOwnPage(context);
    deleteCookie(context, COOKIE, { path: PATH, secure: isSecure(context) });
    return context.body(null, 204);
  });

  app.get(`${PATH}/events`, (context) => {
    const { signedInAs, until } = viewerOf(context);
    const range = rangeOf(context.req.query('range'));
    const learner = learnerNamed(gateway, context.req.query('router') ?? firstOf(gateway));
    const headers = { ...SECURITY, 'cache-control': 'no-store' };
    // Nobody would read what is told, and it would take somebody's place.
    if (context.req.method === 'HEAD')
      return context.body(null, 200, { ...headers, 'content-type': 'text/event-stream' });
    const joined = join(gateway, learner);
    if (!joined) throw tooMany();
    const { watched, leave } = joined;
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    // A proxy in between must not gather what is told.
    context.header('x-accel-buffering', 'no');
    const events = streamSSE(context, async (stream) => {
      try {
        await sendEvents(stream, { gateway, learner, watched, range, signedInAs, until });
      } catch (error) {
        runtime.log.error({ err: error }, 'the dashboard failed inside Conduit');
      } finally {
        leave();
      }
    });
    events.headers.set('cache-control', 'no-store');
    return events;
  });

  app.get(`${PATH}/decisions/:id`, async (context) => {
    const { caller } = viewerOf(context);
    const decision = await getDecision(gateway, { ...caller, admin: true }, context.req.param('id'));
    return context.json(decision, 200, { ...SECURITY, 'cache-control': 'no-store' });
  });

  app.get(`${PATH}/:file`, async (context) => {
    const name = context.req.param('file');
    const file = name.endsWith('.html') ? undefined : (await gateway.page()).get(name);
    // They hold nothing of this gateway, and the sign-in needs some of them.
    return file ? serve(context, file, 'no-cache') : context.notFound();
  });

  app.notFound(async (context) => {
    const told = nothingHere(context);
    if (!/\btext\/html\b/i.test(context.req.header('accept') ?? '')) return told;
    return await door(context, NOT_FOUND, 404);
  });
  return app;
}

const fileNamed = (files: ReadonlyMap<string, PageFile>, name: string): PageFile => {
  const file = files.get(name);
  if (!file) throw new Error(`the dashboard's ${name} is missing`);
  return file;
};

function serve(context: Context, { type, text, etag, gzip }: PageFile, cacheControl: string): Response {
  const headers: Record<string, string> = { ...SECURITY, 'cache-control': cacheControl, etag };
  if (gzip) headers.vary = 'accept-encoding';
  if (context.req.header('if-none-match') === etag) return context.body(null, 304, headers);
  headers['content-type'] = type;
  if (!gzip || !/\bgzip\b/.test(context.req.header('accept-encoding') ?? '')) return context.body(text, 200, headers);
  return context.body(gzip, 200, { ...headers, 'content-encoding': 'gzip' });
}

/** Throws a 403 where another site's page asks: browsers say so, and whoever is no browser has no cookie to be misused. */
function requireOwnPage(context: Context): void {
  const site = context.req.header('sec-fetch-site');
  const origin = context.req.header('origin');
  const isOwn = site
    ? site === 'same-origin' || site === 'none'
    : !origin || hostOf(origin) === context.req.header('host');
  if (!isOwn)
    throw new ApiError({ status: 403, message: 'Only the dashboard itself may ask this.', code: 'cross_site' });
}

const hostOf = (origin: string): string | null => (URL.canParse(origin) ? new URL(origin).host : null);

/** Behind a proxy that ends TLS, as that says. */
const isSecure = (context: Context): boolean =>
  new URL(context.req.url).protocol === 'https:' || /^https\b/.test(context.req.header('x-forwarded-proto') ?? '');

const decoder = new TextDecoder();

function keyInJson(text: string): unknown {
  try {
    return (JSON.parse(text) as { key?: unknown } | null)?.key;
  } catch {
    return undefined;
  }
}

function rangeOf(asked = 'hour'): RangeName {
  const range = RANGE_NAMES.find((name) => name === asked);
  if (!range) throw badRequest(`'${asked}' is no range. Allowed: ${RANGE_NAMES.join(', ')}.`, 'range');
  return range;
}

/** Throws a 404 where the config has none. */
function firstOf({ learners }: Gateway): string {
  const [first] = learners.keys();
  if (first === undefined)
    throw new ApiError({ status: 404, message: 'This gateway has no router.', code: 'router_not_found' });
  return first;
}

const notSignedIn = (): ApiError =>
  new ApiError({ status: 401, message: 'Sign in at /dashboard with an admin key.', code: 'not_signed_in' });

const tooMany = (): ApiError =>
  new ApiError({
    status: 503,
    message: 'Too many pages watch this gateway already.',
    code: 'too_many_watchers',
    headers: { 'retry-after': '10' },
  });
