/** A label as bytes: of an answer of which nothing has been said, and which showed nothing, one. */
import type { Label } from '../bandit/evidence.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Two bits of the first byte: what was said, and what that is worth. */
const NOTHING_SAID = 0;
const SAID = 1;
const WEIGHED = 2;
/** One bit: the two signs follow; left out, both are 0. */
const SIGNED = 4;
/** The four bits above: how often one was halved for the share, or how the share is written. */
const SHARE = 3;
const MOST_HALVED = 12;
const NO_SHARE = 13;
const HALVED = 14;
const OWN_SHARE = 15;

export function writeLabel(to: ByteWriter, { quality, weight, shown, next, share }: Label): void {
  let said = WEIGHED;
  if (quality === null && Object.is(weight, 0)) said = NOTHING_SAID;
  else if (weight === 1) said = SAID;
  const isSigned = shown !== 0 || next !== 0;
  const halvings = halvingsOf(share);
  let form = OWN_SHARE;
  if (Object.is(share, 0)) form = NO_SHARE;
  else if (halvings !== null) form = halvings <= MOST_HALVED ? halvings : HALVED;
  to.byte(said | (isSigned ? SIGNED : 0) | (form << SHARE));
  if (said !== NOTHING_SAID) to.decimal(quality);
  if (said === WEIGHED) to.decimal(weight);
  if (isSigned) writePair(to, shown, next);
  if (form === HALVED) to.byte(halvings as number);
  else if (form === OWN_SHARE) to.float(share);
}

export function readLabel(from: ByteReader): Label {
  const first = from.byte();
  const said = first & 3;
  // In the order in which it was written.
  const quality = said === NOTHING_SAID ? null : from.decimalOrNull();
  let weight = said === SAID ? 1 : 0;
  if (said === WEIGHED) weight = from.decimal();
  const [shown, next] = first & SIGNED ? readPair(from) : NEITHER;
  return { quality, weight, shown, next, share: readShare(from, first >> SHARE) };
}

function readShare(from: ByteReader, form: number): number {
  if (form === NO_SHARE) return 0;
  if (form === OWN_SHARE) return from.float();
  return 2 ** -(form === HALVED ? from.byte() : form);
}

/** A fan-out of so many requests shares one observation between them. Null where it is no such part. */
function halvingsOf(share: number): number | null {
  const halvings = Math.round(-Math.log2(share));
  return halvings >= 0 && halvings <= 255 && 2 ** -halvings === share ? halvings : null;
}

type Pair = readonly [first: number, second: number];
const NEITHER: Pair = [0, 0];
/** Instead of two small ones: what follows are the numbers themselves. */
const OWN_PAIR = 0xff;

/** Two whole numbers ≥ 0, small ones in one byte. */
export function writePair(to: ByteWriter, first: number, second: number): void {
  if (first < 15 && second < 16) {
    to.byte((first << 4) | second);
    return;
  }
  to.byte(OWN_PAIR);
  to.number(first);
  to.number(second);
}

export function readPair(from: ByteReader): Pair {
  const both = from.byte();
  return both === OWN_PAIR ? [from.number(), from.number()] : [both >> 4, both & 15];
}
