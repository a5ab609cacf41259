/** Makes a key for a client of Conduit's. */
import { createDice } from '../crypto.ts';

/** By which a person, and a scanner for secrets, can tell whose it is. */
const PREFIX = 'cdt_';
/** Of chance: more than anybody can try out, so that a hash without salt tells nothing of it. */
const BYTES = 24;

export const newKey = (): string => PREFIX + createDice().randomHex(BYTES);
