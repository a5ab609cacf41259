/** The Worker with a config that has Supabase behind its Durable Objects. */
import type { ObjectContext } from 'cloudflare:workers';
import type { WorkerEnvironment } from '../../src/edge/config.ts';
import { ConduitState as Deployed } from '../../src/edge/state-object.ts';
import { configOver } from './project.ts';

export class ConduitState extends Deployed {
  constructor(context: ObjectContext, environment: WorkerEnvironment) {
    super(context, { ...environment, CONDUIT_CONFIG_TEXT: configOver('durable-object', 'auto') });
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
};
