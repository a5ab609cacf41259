/** Hashes and dice out of `node:crypto`, which Node and workerd both have. */
import { hash, randomFillSync } from 'node:crypto';

export const sha256Hex = (text: string): string => hash('sha256', text);

/**
 * A keyed hash of a text in 22 characters: 132 of SHA-256's bits. What is left out keeps anybody from computing the hash of
 * a longer text out of that of a shorter one, which is why HMAC hashes twice and this does not.
 */
export function createDigest(secret: string): (text: string) => string {
  const key = sha256Hex(secret);
  return (text) => hash('sha256', key + text, 'base64url').slice(0, 22);
}

/** Bytes are drawn from the system so many at a time: a draw of its own for each request costs as much as its routing. */
const POOL_BYTES = 4096;

export interface Dice {
  /** Uniform in [0, 1), out of 48 bits. */
  random(): number;
  /** At most `POOL_BYTES`. */
  randomHex(bytes: number): string;
}

export function createDice(): Dice {
  const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  let used = POOL_BYTES;
  /** The position of so many bytes that nobody has had. */
  const take = (bytes: number): number => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return used - bytes;
  };
  return {
    random: () => pool.readUIntBE(take(6), 6) / 2 ** 48,
    randomHex(bytes) {
      const from = take(bytes);
      return pool.toString('hex', from, from + bytes);
    },
  };
}
