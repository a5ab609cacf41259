/** Tells damaged bytes from whole ones, two words at a time. Not against anybody who means it. */

/**
 * Two lanes of 32 bits over an even number of words, mixed as MurmurHash3 does (x86_128: multiply, rotate, add the other
 * lane). Each step is a bijection of the lanes, and of the two words it takes in: so damage within one such pair is always
 * noticed, and any other but once in 2⁶⁴ times.
 */
export function checksumOf(words: Uint32Array): [number, number] {
  let one = 0x811c9dc5 | 0;
  let other = 0x1b873593 | 0;
  for (let i = 0; i < words.length; i += 2) {
    one ^= Math.imul(words[i]!, 0xcc9e2d51);
    one = (Math.imul((one << 15) | (one >>> 17), 5) + other) | 0;
    other ^= Math.imul(words[i + 1]!, 0x1b873593);
    other = (Math.imul((other << 13) | (other >>> 19), 5) + one) | 0;
  }
  return [one >>> 0, other >>> 0];
}
