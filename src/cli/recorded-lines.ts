/** Reads recorded outcomes line by line, and says of a line that is wrong which field it is, and what would be allowed. */
import * as z from 'zod';
import { type Path, pathText } from '../config/path.ts';
import type { Recorded, RecordedPrompt } from '../evaluate/recorded.ts';

export interface RecordedLines {
  /** Gives what is wrong with the line, or null. The first one must have the prices. */
  add(line: string): string | null;
  /** What all lines so far say. */
  recorded(): Recorded;
}

const amountAllowed = 'a number, not negative';
const amount = z.number({ error: amountAllowed }).min(0, { error: amountAllowed });
const scoreAllowed = 'a number from 0 to 1';
const score = z.number({ error: scoreAllowed }).min(0, { error: scoreAllowed }).max(1, { error: scoreAllowed });
const text = z.string({ error: 'a text' });
const object = z.record(z.string(), z.unknown(), { error: 'an object' });

const outcome = z.object(
  {
    score,
    prompt_tokens: amount,
    completion_tokens: amount,
    cost_usd: amount,
    latency_s: amount.nullish(),
  },
  { error: 'an object with score, prompt_tokens, completion_tokens and cost_usd' },
);

const price = z.object(
  {
    input: amount,
    output: amount,
    cached_input: amount.exactOptional(),
    cache_write: amount.exactOptional(),
    request: amount.exactOptional(),
  },
  { error: 'an object with input and output, in USD per million tokens' },
);

const messagesAllowed = "a list of at least one message, as in OpenAI's API";
const toolsAllowed = "a list of tools, as in OpenAI's API";
const pricesAllowed = 'an object with a price for each model, in the first line';

/** What is not named here is let through: a row may say more, as its category. */
const line = z.object(
  {
    id: text,
    messages: z.array(object, { error: messagesAllowed }).min(1, { error: messagesAllowed }),
    tools: z.array(object, { error: toolsAllowed }).nullish(),
    response_format: z.unknown().optional(),
    outcomes: z
      .record(z.string(), outcome, { error: 'an object with an outcome for each model' })
      .refine((outcomes) => Object.keys(outcomes).length > 0, { error: 'the outcome of at least one model' }),
    prices: z.record(z.string(), price, { error: pricesAllowed }).optional(),
  },
  { error: 'an object with id, messages and outcomes' },
);

export function readLines(): RecordedLines {
  let models: Recorded['models'] = [];
  let prices: Record<string, z.infer<typeof price>> | null = null;
  const prompts: RecordedPrompt[] = [];
  return {
    add(raw) {
      let value: unknown;
      try {
        value = JSON.parse(raw);
      } catch {
        return 'not JSON (allowed: one JSON object a line)';
      }
      const parsed = line.safeParse(value, { reportInput: true });
      if (!parsed.success) return problemOf(parsed.error.issues[0]!);
      const { data } = parsed;
      if (prices === null) {
        if (data.prices === undefined) return `prices: missing (allowed: ${pricesAllowed})`;
        prices = data.prices;
        const unpriced = Object.keys(data.outcomes).find((id) => !Object.hasOwn(data.prices as object, id));
        if (unpriced !== undefined)
          return `${pathText(['outcomes', unpriced])}: a model without a price (allowed: ${listed(Object.keys(prices))})`;
        models = Object.keys(data.outcomes).map((id) => ({ id, price: data.prices![id]! }));
      } else if (data.prices !== undefined && JSON.stringify(data.prices) !== JSON.stringify(prices)) {
        return 'prices: other ones than those of the first line (allowed: in the first line alone)';
      }
      const missing = models.find(({ id }) => !Object.hasOwn(data.outcomes, id));
      if (missing)
        return `${pathText(['outcomes', missing.id])}: missing (allowed: an outcome of each model that the first line has)`;
      const odd = Object.keys(data.outcomes).find((id) => !models.some((model) => model.id === id));
      if (odd !== undefined)
        return `${pathText(['outcomes', odd])}: a model that the first line has no outcome of (allowed: ${listed(models.map(({ id }) => id))})`;
      prompts.push(promptOf(data, models));
      return null;
    },
    recorded: () => ({ models, prompts }),
  };
}

function promptOf(data: z.infer<typeof line>, models: Recorded['models']): RecordedPrompt {
  const { id, messages, tools, response_format } = data;
  const outcomes = models.map((model) => {
    const { score, prompt_tokens, completion_tokens, cost_usd, latency_s } = data.outcomes[model.id]!;
    return {
      score,
      promptTokens: prompt_tokens,
      completionTokens: completion_tokens,
      costUsd: cost_usd,
      latencySeconds: latency_s ?? null,
    };
  });
  return { id, input: { messages, tools: tools ?? undefined, response_format }, outcomes };
}

/** Every check above says in its message what it allows. */
function problemOf({ path, message, input }: z.core.$ZodIssue): string {
  const wrong = input === undefined ? 'missing' : `wrong, it is ${shortened(JSON.stringify(input))}`;
  return `${pathText(path as Path) || 'the line'}: ${wrong} (allowed: ${message})`;
}

const MOST_SHOWN = 40;
const shortened = (json: string): string => (json.length > MOST_SHOWN ? `${json.slice(0, MOST_SHOWN)}…` : json);
const listed = (names: readonly string[]): string => names.join(', ');
