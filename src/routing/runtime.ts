/** What the platform hands in. Nothing below the entries reads a clock, throws dice or opens a socket by itself. */
import type { Digest } from './digest.ts';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How the conversation that a request goes on with is found before it is routed. */
export interface LookUpTerms {
  /** For how long the state store is asked before the request goes on without it, in milliseconds. */
  deadlineMs: number;
  /** So many of this process's own answers are known without asking; 0 where asking costs nothing. */
  ownAnswers: number;
}

export interface Runtime {
  /** Milliseconds since 1970. */
  now: () => number;
  /** Milliseconds on a steady clock, with fractions. */
  clock: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  randomHex: (bytes: number) => string;
  /** Work that the answer does not wait for, but that the platform must not cut off. */
  defer: (work: Promise<unknown>) => void;
  lookUp: LookUpTerms;
  /** Whether timers end with the request that set them, unless what waits for them is deferred. Left out where they do not. */
  endsTimers?: boolean;
  /**
   * How many steps of deriving (`bandit/steps.ts`) one request may take behind its answer, where the platform counts its processor
   * time and no clock runs meanwhile. Left out where nobody counts.
   */
  stepsARequest?: number;
  /** Keyed with the server's secret. It may become another one: at the edge, where the one that all share was not to be had at first. */
  digest: Digest;
  /** Plain SHA-256, in hex. */
  sha256Hex: (text: string) => string;
  log: Log;
}
