/** Server-sent events as providers write them. */

export const sse = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;

/** One chunk of an answer's text. */
export const piece = (content: string, finish: string | null = null): string =>
  sse({
    id: 'chatcmpl-x',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta: finish ? {} : { content }, finish_reason: finish }],
  });
