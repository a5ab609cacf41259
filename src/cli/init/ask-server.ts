/** One question to a server that may be anything: whatever it answers, it takes no longer and no more than it may. */

export type Reply =
  | { kind: 'json'; body: unknown }
  /** A status that is no success, such as 401. A redirect counts as one: it is not followed, with a key least of all. */
  | { kind: 'status'; status: number }
  | { kind: 'no-json' }
  | { kind: 'too-large' }
  | { kind: 'too-slow' }
  | { kind: 'unreachable' };

export interface Question {
  headers?: Record<string, string>;
  /** Sent as JSON by POST; without it the question is a GET. */
  body?: unknown;
  /** Ends it, as by `AbortSignal.timeout`. */
  until: AbortSignal;
}

/** Far more than the longest list of models that a provider has, in bytes. */
const MOST_BYTES = 8 * 1024 * 1024;

export async function askServer(url: string, { headers = {}, body, until }: Question): Promise<Reply> {
  try {
    const response = await fetch(url, {
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: until,
    });
    if (!response.ok) {
      await response.body?.cancel();
      return { kind: 'status', status: response.status };
    }
    const text = await limitedText(response);
    return text === null ? { kind: 'too-large' } : parsed(text);
  } catch {
    return { kind: until.aborted ? 'too-slow' : 'unreachable' };
  }
}

async function limitedText({ body }: Response): Promise<string | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.byteLength;
    // Leaving the loop cancels the rest.
    if (size > MOST_BYTES) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): Reply {
  try {
    return { kind: 'json', body: JSON.parse(text) };
  } catch {
    return { kind: 'no-json' };
  }
}
