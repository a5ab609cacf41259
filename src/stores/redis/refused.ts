/** Redis has said no. */
import { StoreUnavailable } from '../ports.ts';

export class Refused extends StoreUnavailable {
  /** Whether it would say so again, whatever the state it is in. */
  readonly forGood: boolean;
  /** Whether it would, if Redis takes others meanwhile. */
  readonly mayBeForGood: boolean;

  constructor(message: string) {
    super(`Redis refuses: ${message}`);
    const code = codeOf(message);
    this.forGood = code === 'WRONGTYPE';
    this.mayBeForGood = code === 'ERR';
  }
}

/** Redis up to 6.2 hides what went wrong within a script behind a code that says nothing. */
const WITHIN_A_SCRIPT = /^ERR Error running script .*? -([A-Z]+)\b/;
/** A slot that moves to another node of a cluster. */
const HALF_MOVED = /non local key/;

/** The word with which Redis says what kind of an error it is. */
export function codeOf(message: string): string {
  if (HALF_MOVED.test(message)) return 'TRYAGAIN';
  return WITHIN_A_SCRIPT.exec(message)?.[1] ?? /^[A-Z]*/.exec(message)?.[0] ?? '';
}
