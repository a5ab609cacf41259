/** The hono app out of the parts it is given: which route does what, who may call it, and how errors look. */
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { createDashboard, isDashboard } from './dashboard/routes.ts';
import { type Caller, createAuthenticator, requireAdmin, requireRoute } from './http/authenticate.ts';
import { chatCompletions } from './http/chat-completions.ts';
import { getDecision } from './http/decisions.ts';
import { ApiError, errorResponse, internalError, isStoreUnavailable, storeUnavailable } from './http/errors.ts';
import { postFeedback } from './http/feedback.ts';
import type { Gateway } from './http/gateway.ts';
import { getModel, listModels } from './http/models.ts';
import { passThrough } from './http/pass-through.ts';
import { readinessOf } from './http/readiness.ts';
import { getReport } from './http/report.ts';
import { getRouter } from './http/routers.ts';

/** What a browser's script may read of an answer. */
const EXPOSED_HEADERS = [
  ...['decision', 'model', 'reason', 'propensity', 'attempts', 'overhead-ms'].map((name) => `x-conduit-${name}`),
  ...['limit', 'remaining', 'reset'].map((name) => `x-ratelimit-${name}-requests`),
  'retry-after',
];

export function createApp(gateway: Gateway): Hono {
  const { config, runtime } = gateway;
  const startedAt = runtime.now();
  const app = new Hono();
  const authenticate = createAuthenticator(config.keys, runtime.sha256Hex);
  // No middleware: a chain of those would cost each request more than all that is asked here.
  const callerOf = (context: Context): Caller => {
    if (!gateway.accepting()) throw shuttingDown();
    return authenticate(context.req.header('authorization'));
  };
  const callerFor = (route: string, context: Context): Caller => {
    const caller = callerOf(context);
    requireRoute(caller, route);
    return caller;
  };

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
  app.post('/v1/feedback', (context) => postFeedback(context, gateway, callerFor('feedback', context)));
  app.get('/v1/models', (context) => context.json(listModels(gateway, callerFor('models', context), startedAt)));
  app.get('/v1/models/:id{.+}', (context) =>
    context.json(getModel(gateway, callerFor('models', context), context.req.param('id'), startedAt)),
  );
  app.get('/v1/decisions/:id', async (context) =>
    context.json(await getDecision(gateway, callerOf(context), context.req.param('id'))),
  );
  app.get('/v1/routers/:name', async (context) => {
    requireAdmin(callerOf(context));
    return context.json(await getRouter(gateway, context.req.param('name')));
  });
  app.get('/v1/routers/:name/report', async (context) => {
    requireAdmin(callerOf(context));
    return context.json(await getReport(gateway, context.req.param('name'), context));
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
  const failed = (error: unknown): Response => {
    if (error instanceof ApiError) return errorResponse(error.fields);
    // Told in the log already, once for all of an outage.
    if (isStoreUnavailable(error)) return errorResponse(storeUnavailable);
    runtime.log.error({ err: error }, 'a request failed inside Conduit');
    return errorResponse(internalError);
  };
  app.onError(failed);
  const dashboard = createDashboard(gateway, callerOf).notFound(nothingHere).onError(failed);
  return app;
}

const nothingHere = ({ req }: Context): Response =>
  errorResponse({ status: 404, message: `There is no ${req.method} ${req.path} here.`, code: 'not_found' });

const shuttingDown = (): ApiError =>
  new ApiError({
    status: 503,
    message: 'Shutting down.',
    code: 'shutting_down',
    headers: { 'retry-after': '1', connection: 'close' },
  });
