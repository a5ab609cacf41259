/** Whether a text ends in one passage over and over: a model that has lost its way does not find out of it. */

/** Of the end of a text only so much is looked at. */
const TAIL_CHARACTERS = 4000;
const LEAST_TIMES = 4;
const LEAST_CHARACTERS = 240;
/** One character over and over may be meant, as in a line or in padding. */
const LEAST_RUN = 400;

const SAYS_SOMETHING = /[\p{L}\p{N}]/u;

/**
 * At least four times and over at least 240 characters the same, with a letter or a digit in it. Items that count are not
 * the same, and rules of tables and lines of dashes say nothing.
 */
export function endsInRepetition(text: string): boolean {
  if (text.length < LEAST_CHARACTERS) return false;
  const tail = text.slice(-TAIL_CHARACTERS).trimEnd();
  if (tail.length < LEAST_CHARACTERS) return false;
  // What comes four times in so many characters has its end a second time before: most texts are told by this alone.
  const end = tail.slice(-LEAST_CHARACTERS / LEAST_TIMES);
  if (tail.indexOf(end) === tail.length - end.length) return false;
  return isRepeated(tail);
}

/** By the prefix function of the tail read backwards (Knuth, Morris, Pratt 1977): `L − π(L)` is the period of the last L. */
function isRepeated(tail: string): boolean {
  const last = tail.length - 1;
  const borders = new Uint16Array(tail.length);
  let saysNothing = 0;
  for (let i = 1, border = 0; i < tail.length; i++) {
    const unit = tail.charCodeAt(last - i);
    while (border > 0 && unit !== tail.charCodeAt(last - border)) border = borders[border - 1] as number;
    if (unit === tail.charCodeAt(last - border)) border++;
    borders[i] = border;
    const length = i + 1;
    const period = length - border;
    const least = period === 1 ? LEAST_RUN : Math.max(LEAST_CHARACTERS, LEAST_TIMES * period);
    if (length < least || period === saysNothing) continue;
    if (SAYS_SOMETHING.test(tail.slice(-period))) return true;
    saysNothing = period;
  }
  return false;
}
