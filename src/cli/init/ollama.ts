/** Reads what Ollama tells of its models: which are pulled, what each can do, and how many tokens it takes. */
import * as z from 'zod';
import type { Capability } from '../../config/schema.ts';
import { askServer } from './ask-server.ts';
import { type ListedModel, listedModel } from './listed-model.ts';

const capabilityNames = z.array(z.string()).nullish().catch(null);
const remoteHost = z.string().nullish().catch(null);

/** With `data` beside `models` it is llama.cpp, which answers in Ollama's place too. */
const tags = z.object({
  models: z.array(z.object({ name: z.string(), capabilities: capabilityNames, remote_host: remoteHost })),
  data: z.optional(z.undefined()),
});

/** The answer to `GET /api/tags`; null where it is not Ollama's. */
export function pulledModels(body: unknown): ListedModel[] | null {
  const parsed = tags.safeParse(body);
  if (!parsed.success) return null;
  return parsed.data.models.map(({ name, ...told }) => withTold(listedModel(name.replace(/:latest$/, '')), told));
}

const shown = z.object({
  capabilities: capabilityNames,
  remote_host: remoteHost,
  model_info: z.record(z.string(), z.unknown()).nullish().catch(null),
  parameters: z.string().nullish().catch(null),
});

/** Asks for the details of each, all within so many milliseconds; those that are not told in time stay as they were. */
export function withDetails(root: string, models: readonly ListedModel[], withinMs: number): Promise<ListedModel[]> {
  const until = AbortSignal.timeout(withinMs);
  return Promise.all(
    models.map(async (model) => {
      if (model.unfit !== null) return model;
      const reply = await askServer(`${root}/api/show`, { body: { model: model.name }, until });
      const details = shown.safeParse(reply.kind === 'json' ? reply.body : null);
      if (!details.success) return model;
      const { model_info, parameters, ...told } = details.data;
      return { ...withTold(model, told), ...lengths(model_info ?? {}, parameters ?? '') };
    }),
  );
}

type Told = Pick<z.infer<typeof shown>, 'capabilities' | 'remote_host'>;

function withTold(model: ListedModel, { capabilities, remote_host }: Told): ListedModel {
  if (remote_host) return { ...model, unfit: "runs in Ollama's cloud, at a price that is not told" };
  if (!capabilities) return model;
  return {
    ...model,
    supports: supportsOf(capabilities),
    unfit: capabilities.includes('completion') ? null : 'not for chat',
  };
}

/** Every model there answers in JSON by a schema: Ollama itself holds it to that. */
function supportsOf(told: readonly string[]): Capability[] {
  const where = (name: string, capability: Capability): Capability[] => (told.includes(name) ? [capability] : []);
  return [
    ...where('tools', 'tools'),
    'json_schema',
    ...where('vision', 'images'),
    ...where('audio', 'audio'),
    ...where('thinking', 'reasoning'),
  ];
}

/** Only a model's own `num_ctx` is what it takes. Else Ollama cuts what is longer than its OLLAMA_CONTEXT_LENGTH, and does not say so. */
function lengths(info: Record<string, unknown>, parameters: string): Pick<ListedModel, 'context' | 'longest'> {
  const longest = z
    .int()
    .positive()
    .safeParse(Object.entries(info).find(([name]) => name.endsWith('.context_length'))?.[1]);
  const own = Number(/^num_ctx\s+(\d+)\s*$/m.exec(parameters)?.[1]);
  return { context: Number.isSafeInteger(own) && own > 0 ? own : null, longest: longest.success ? longest.data : null };
}
