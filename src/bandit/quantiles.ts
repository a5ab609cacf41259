/** From a decision's one uniform, a uniform of its own for each purpose, independent as far as anyone can tell. */

const bits = new DataView(new ArrayBuffer(8));

/** In (0, 1): a hash of the uniform's bits and of a name. Who else draws does not change it. */
export function ownUniform(uniform: number, name: string): number {
  bits.setFloat64(0, uniform);
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  const low = mixed(mixed(hash ^ bits.getInt32(0)) + bits.getInt32(4));
  const high = mixed(low + 0x9e3779b9 + hash);
  return ((high >>> 0) + ((low >>> 0) + 0.5) / 2 ** 32) / 2 ** 32;
}

/** The finaliser of MurmurHash3. */
function mixed(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
