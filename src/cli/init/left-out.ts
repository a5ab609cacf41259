/** What was found and does not go into the config, with the reason why. */

export interface LeftOut {
  /** A model as PROVIDER/NAME, or a server's address. */
  what: string;
  why: string;
}
