/** An answer that came whole, or an error, for a client whose stream had been begun by then. */
import { objectOf, parsedObject } from './json.ts';
import { errorMessage } from './observe.ts';

/** `body` as events: an error as one that OpenAI's clients raise an `APIError` for, a completion as its only chunk. */
export function asEvents(status: number, body: Uint8Array): Uint8Array {
  const said = parsedObject(new TextDecoder().decode(body));
  const isGood = status >= 200 && status < 300;
  if (isGood && Array.isArray(said?.choices)) return encode(`${dataOf(chunkOf(said))}data: [DONE]\n\n`);
  return encode(dataOf({ error: objectOf(said?.error) ?? errorOf(status, said?.error) }));
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const dataOf = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;

function errorOf(status: number, told: unknown): object {
  const message = told ? errorMessage(told) : `The upstream answered with status ${status}.`;
  return { message, type: 'upstream_error', param: null, code: null };
}

/** What stands in a message stands in a chunk's delta, and calls are numbered there. */
function chunkOf(completion: Readonly<Record<string, unknown>>): object {
  const choices = (completion.choices as unknown[]).map((given) => {
    const { message, ...choice } = objectOf(given) ?? {};
    const delta = objectOf(message) ?? {};
    const calls = Array.isArray(delta.tool_calls) ? delta.tool_calls : null;
    const numbered = calls?.map((call, index) => ({ index, ...objectOf(call) }));
    return { ...choice, delta: { ...delta, ...(numbered && { tool_calls: numbered }) } };
  });
  return { ...completion, object: 'chat.completion.chunk', choices };
}
