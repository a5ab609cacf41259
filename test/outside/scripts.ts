/** What a provider is told to do, as data: the tests that tell it may be in another process, and on another platform. */

export type Told =
  | { does: 'answer'; content: string; toolCall?: string; usage?: object | null; headers?: Record<string, string> }
  | { does: 'fail'; status: number; body?: unknown; headers?: Record<string, string> }
  | { does: 'send'; base64: string; type: string }
  | { does: 'stream'; pieces: readonly (string | number | { base64: string })[]; then: 'end' | 'cut' | 'hang' }
  | { does: 'wait'; ms: number; then: Told }
  | { does: 'nothing' };

/** What a provider has received. */
export interface Sent {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent
  body: any;
  /** Whether the gateway closed the connection before the answer was whole. */
  hungUp: boolean;
}

type Answer = Extract<Told, { does: 'answer' }>;

/** Answers as OpenAI does, in a stream or whole, as asked. */
export const answer = (content = 'Hello there', more: Omit<Answer, 'does' | 'content'> = {}): Told => ({
  does: 'answer',
  content,
  ...more,
});

export const fail = (status: number, body?: unknown, headers?: Record<string, string>): Told => ({
  does: 'fail',
  status,
  ...(body !== undefined && { body }),
  ...(headers && { headers }),
});

/** Answers with these bytes and nothing else. */
export const bytes = (all: Uint8Array, type: string): Told => ({ does: 'send', base64: base64Of(all), type });

/** Streams the pieces as they are given, waiting where one is a number of milliseconds, then ends or does what `then` says. */
export const stream = (
  pieces: readonly (string | number | Uint8Array)[],
  then: 'end' | 'cut' | 'hang' = 'end',
): Told => ({
  does: 'stream',
  pieces: pieces.map((one) => (one instanceof Uint8Array ? { base64: base64Of(one) } : one)),
  then,
});

/** Says nothing for so long. */
export const later = (ms: number, then: Told): Told => ({ does: 'wait', ms, then });

/** Never answers. */
export const silence: Told = { does: 'nothing' };

const base64Of = (all: Uint8Array): string => btoa(String.fromCharCode(...all));
