/** Redis has said no. */
import { StoreUnavailable } from '../ports.ts';

export class Refused extends StoreUnavailable {
  /** Whether it would say so again, whatever the state it is in. */
  readonly forGood: boolean;

  constructor(message: string) {
    super(`Redis refuses: ${message}`);
    this.forGood = /^(ERR|WRONGTYPE)\b/.test(message);
  }
}
