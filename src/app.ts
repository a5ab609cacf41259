/** The hono app out of the parts it is given: which route does what, who may call it, and how errors look. */
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { createDashboard, isDashboard } from './dashboard/routes.ts';
import { type Caller, createAuthenticator, requireAdmin, requireRoute } from './http/authenticate.ts';
import { chatCompletions } from './http/chat-completions.ts';
import { getDecision } from './http/decisions.ts';
import {
  ApiError,
  type ApiErrorFields,
  errorCode,
  errorResponse,
  internalError,
  isStoreUnavailable,
  shuttingDown,
  storeUnavailable,
} from './http/errors.ts';
import { postFeedback } from './http/feedback.ts';
import type { Gateway } from './http/gateway.ts';
import { getMetrics } from './http/metrics.ts';
import { getModel, listModels } from './http/models.ts';
import { passThrough } from './http/pass-through.ts';
import { callOf } from './http/pass-through-path.ts';
import { readinessOf } from './http/readiness.ts';
import { getReport } from './http/report.ts';
import { getRouter } from './http/routers.ts';
import { createFailureTraces } from './http/traced-failure.ts';

/** What a browser's script may read of an answer. */
const EXPOSED_HEADERS = [
  ...['decision', 'model', 'reason', 'propensity', 'attempts', 'overhead-ms'].map((name) => `x-conduit-${name}`),
  ...['limit', 'remaining', 'reset'].map((name) => `x-ratelimit-${name}-requests`),
  'retry-after',
];

export function createApp(gateway: Gateway): Hono {
  const { config, observer, runtime, tracing } = gateway;
  const startedAt = runtime.now();
  const app = new Hono();
  const authenticate = createAuthenticator(config.keys, runtime.sha256Hex);
  // No middleware: a chain of those would cost each request more than all that is asked here.
  const callerOf = (context: Context): Caller => {
    if (!gateway.accepting()) throw new ApiError(shuttingDown);
    return authenticate(context.req.header('authorization'));
  };
  const callerFor = (route: string, context: Context): Caller => {
    const caller = callerOf(context);
    requireRoute(caller, route);
    return caller;
  };
  const adminOf = (context: Context): Caller => {
    const caller = callerOf(context);
    requireAdmin(caller);
    return caller;
  };
  const failureTraces = createFailureTraces(gateway);
  /** Tells of an answer that Conduit gives by itself. */
  const told = (
    context: Context,
    response: Response,
    caller: Caller | null,
    code: string | null = null,
    traced: ReturnType<typeof failureTraces.traceOf> = null,
  ): Response => {
    const { method, path } = context.req;
    const { status } = response;
    observer.answered({ method, route: routeOf(path), status, code, key: caller?.name ?? null, traced });
    return response;
  };
  const failed = (context: Context, error: ApiErrorFields): Response => {
    // Nobody's wrong guess is hashed twice.
    const caller = error.status === 401 ? null : knownCaller(context);
    return told(
      context,
      errorResponse(error),
      caller,
      errorCode(error),
      failureTraces.traceOf(context, caller !== null),
    );
  };
  /** Who it was that failed, as far as that is known. */
  const knownCaller = (context: Context): Caller | null => {
    try {
      return authenticate(context.req.header('authorization'));
    } catch {
      return null;
    }
  };

  // One more step on the way of each request, but only where somebody is to see it.
  if (tracing) {
    app.use('*', (context, next) => {
      failureTraces.came(context);
      return next();
    });
  }
  if (config.server.cors.length > 0) {
    app.use(
      '*',
      cors({
        origin: config.server.cors.includes('*') ? '*' : [...config.server.cors],
        exposeHeaders: EXPOSED_HEADERS,
      }),
    );
  }
  app.post('/v1/chat/completions', (context) =>
    chatCompletions(context, gateway, callerFor('chat/completions', context)),
  );
  app.post('/v1/feedback', async (context) => {
    const caller = callerFor('feedback', context);
    return told(context, await postFeedback(context, gateway, caller), caller);
  });
  app.get('/v1/models', (context) => {
    const caller = callerFor('models', context);
    return told(context, context.json(listModels(gateway, caller, startedAt)), caller);
  });
  app.get('/v1/models/:id{.+}', (context) => {
    const caller = callerFor('models', context);
    return told(context, context.json(getModel(gateway, caller, context.req.param('id'), startedAt)), caller);
  });
  app.get('/v1/decisions/:id', async (context) => {
    const caller = callerOf(context);
    return told(context, context.json(await getDecision(gateway, caller, context.req.param('id'))), caller);
  });
  app.get('/v1/routers/:name', async (context) => {
    const caller = adminOf(context);
    return told(context, context.json(await getRouter(gateway, context.req.param('name'))), caller);
  });
  app.get('/v1/routers/:name/report', async (context) => {
    const caller = adminOf(context);
    return told(context, context.json(await getReport(gateway, context.req.param('name'), context)), caller);
  });
  app.get('/metrics', async (context) => {
    adminOf(context);
    const { text, contentType } = await getMetrics(gateway, context.req.header('accept'));
    // Not told of: whoever looks every few seconds would be most of what there is to see.
    return context.body(text, 200, { 'content-type': contentType });
  });
  app.get('/health', (context) => context.json({ status: 'ok' }));
  app.get('/ready', async (context) => {
    const readiness = await readinessOf(gateway);
    return context.json(readiness, readiness.status === 'ready' ? 200 : 503);
  });

  // Not a route of its own for all of /v1: each request to another would then match two, which hono serves more slowly.
  app.notFound((context) => {
    if (context.req.path.startsWith('/v1/')) return passThrough(context, gateway, callerOf(context));
    return isDashboard(context.req.path)
      ? dashboard.request(context.req.raw, undefined, context.env)
      : nothingHere(context);
  });
  const nothingHere = (context: Context): Response =>
    failed(context, {
      status: 404,
      message: `There is no ${context.req.method} ${context.req.path} here.`,
      code: 'not_found',
    });
  const onError = (error: unknown, context: Context): Response => {
    if (error instanceof ApiError) return failed(context, error.fields);
    // Told in the log already, once for all of an outage.
    if (isStoreUnavailable(error)) return failed(context, storeUnavailable);
    runtime.log.error({ err: error }, 'a request failed inside Conduit');
    return failed(context, internalError);
  };
  app.onError(onError);
  const dashboard = createDashboard(gateway, callerOf, nothingHere).onError(onError);
  return app;
}

/** A path's letters that no route of ours has are the client's own, and ids among them. */
const routeOf = (path: string): string =>
  path.startsWith('/v1/') ? callOf(path.slice('/v1/'.length).split('/')) : callOf(path.slice(1).split('/'));
