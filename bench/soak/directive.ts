/** The word in a prompt that tells the upstream how to fail: a prompt passes through the proxy as it came. */

/** Ways to fail before the client has anything; another arm may then answer. */
export const EARLY_FAULTS = [
  'reset',
  'stall',
  'stall-after-headers',
  'status-500',
  'status-429',
  'status-503',
  'html',
  'empty',
  'garbage-only',
  'error-first',
] as const;

/** Ways to fail in the middle. Of a whole answer nothing has gone out by then, so that it counts as early. */
export const MIDWAY_FAULTS = ['reset-midway', 'stall-midway', 'cut-short', 'error-midway'] as const;

/** Answers that are odd but whole. */
export const ODDITIES = [
  'none',
  'paced',
  'garbage-between',
  'comments-first',
  'no-done',
  'huge',
  'huge-many',
  'tiny',
] as const;

/** The upstream waits for the client to go, before its headers or behind its first chunks. */
export const HOLDS = ['hold', 'hold-midway'] as const;

export const FAULTS = [...EARLY_FAULTS, ...MIDWAY_FAULTS, ...ODDITIES, ...HOLDS] as const;
export type Fault = (typeof FAULTS)[number];

export interface Directive {
  /** The request's number: every chunk of its answer bears it. */
  nonce: number;
  fault: Fault;
  /** How many attempts of this request fail; those behind it are answered well. */
  times: number;
  chunks: number;
}

export const writeDirective = ({ nonce, fault, times, chunks }: Directive): string =>
  `[soak ${nonce} ${fault} ${times} ${chunks}]`;

/** The last one in a request's body: those before it stand in the conversation's earlier turns. */
export function readDirective(body: string): Directive | null {
  const start = body.lastIndexOf('[soak ');
  const match = start < 0 ? null : /^\[soak (\d+) ([a-z0-9-]+) (\d+) (\d+)\]/.exec(body.slice(start, start + 100));
  const fault = FAULTS.find((name) => name === match?.[2]);
  if (!match || !fault) return null;
  return { nonce: Number(match[1]), fault, times: Number(match[3]), chunks: Number(match[4]) };
}

/** What the chunk of this number says, behind which anything may follow that holds no space. */
export const chunkWord = (nonce: number, sequence: number): string => `${nonce}.${sequence}`;
