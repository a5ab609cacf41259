/**
 * How often each sign is taken to come with a good answer and with a bad one before a router's own ratings say more. Rates of
 * each column add up to 1; docs/feedback.md shows them to users. They lean to the careful side: most who are content say
 * nothing or go on, and hardly anything that people do is beyond doubt.
 */
import { NEXT, type Next, SHOWN, type Shown } from './signs.ts';

type Rates = readonly [good: number, bad: number];

export const SHOWN_RATES: Readonly<Record<Shown, Rates>> = {
  fine: [0.945, 0.79],
  latency: [0.02, 0.03],
  length: [0.015, 0.05],
  invalid_tool_call: [0.004, 0.03],
  invalid_json: [0.002, 0.02],
  content_filter: [0.003, 0.01],
  refusal: [0.008, 0.03],
  repetition: [0.001, 0.02],
  empty: [0.002, 0.02],
};

export const NEXT_RATES: Readonly<Record<Exclude<Next, 'pending' | 'unclear'>, Rates>> = {
  silence: [0.42, 0.24],
  continued: [0.46, 0.14],
  regenerated: [0.05, 0.18],
  rephrased: [0.02, 0.16],
  corrected: [0.01, 0.16],
  aborted_early: [0.01, 0.04],
  aborted_midway: [0.01, 0.07],
  aborted_late: [0.02, 0.01],
};

/** By number; a sign that has none never comes. */
export const shownRates = (code: number): Rates => SHOWN_RATES[SHOWN[code] as Shown] ?? NEVER;
export const nextRates = (code: number): Rates => NEXT_RATES[NEXT[code] as keyof typeof NEXT_RATES] ?? NEVER;
const NEVER: Rates = [0, 0];
