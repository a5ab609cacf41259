/** Puts quality, cost and time on one scale: what one point (1%) of quality may cost in USD and in seconds. */
import type { Posterior } from './posterior.ts';

/** USD per million tokens; `request` in USD each. */
export interface Price {
  input: number;
  output: number;
  cached_input?: number;
  cache_write?: number;
  request?: number;
}

export type Preference =
  | 'quality'
  | 'balanced'
  | 'cost'
  | 'speed'
  | { usd_per_point?: number | undefined; seconds_per_point?: number | undefined };

/** Infinity: it does not matter. */
export interface Rates {
  usdPerPoint: number;
  secondsPerPoint: number;
}

/** How many points of quality the dearest arm's usual request counts for, against one that costs nothing. */
const POINTS_OF_THE_DEAREST = { quality: 0.5, balanced: 15, cost: 100, speed: 15 };
/** With `speed`: how many points the slowest arm's usual answer counts for, against one at once … */
const POINTS_OF_THE_SLOWEST = 15;
/** … unless all arms are so fast that nobody would notice the difference. */
const LEAST_SECONDS_PER_POINT = 0.2;

/** What a preference's name means for a router: it depends on its configured arms and its usual request alone. */
export function ratesFor(
  preference: Preference,
  posterior: Posterior,
  arms: readonly { id: string; price: Price }[],
): Rates {
  if (typeof preference !== 'string') {
    return { usdPerPoint: rate(preference.usd_per_point), secondsPerPoint: rate(preference.seconds_per_point) };
  }
  let dearest = 0;
  let slowest = 0;
  for (const { id, price } of arms) {
    const { promptTokens, outputTokens, totalMs } = posterior.summary(id);
    dearest = Math.max(dearest, expectedCost(price, promptTokens, outputTokens));
    slowest = Math.max(slowest, totalMs / 1000);
  }
  return {
    usdPerPoint: dearest > 0 ? dearest / POINTS_OF_THE_DEAREST[preference] : Number.POSITIVE_INFINITY,
    secondsPerPoint:
      preference === 'speed'
        ? Math.max(slowest / POINTS_OF_THE_SLOWEST, LEAST_SECONDS_PER_POINT)
        : Number.POSITIVE_INFINITY,
  };
}

/** USD of a request with this many tokens, of whose prompt so many are in the provider's cache. */
export function expectedCost(price: Price, promptTokens: number, outputTokens: number, cachedTokens = 0): number {
  const saved = cachedTokens > 0 ? (price.input - (price.cached_input ?? price.input)) * cachedTokens : 0;
  return (price.input * promptTokens + price.output * outputTokens - saved) / 1e6 + (price.request ?? 0);
}

/** What cost and time take off an arm's quality. */
export function tollOf(rates: Rates, costUsd: number, totalMs: number): number {
  return costUsd / rates.usdPerPoint / 100 + totalMs / 1000 / rates.secondsPerPoint / 100;
}

/** A preference in numbers leaves out what does not matter. A rate of 0 would make whatever costs anything infinitely bad. */
const LEAST_RATE = 1e-9;
const rate = (value: number | undefined): number =>
  value === undefined || !(value >= 0) ? Number.POSITIVE_INFINITY : Math.max(value, LEAST_RATE);
