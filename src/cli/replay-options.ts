/** What `conduit replay` may be told, checked: what is wrong is said with what is allowed. */
import { DURATION, durationMs } from '../config/duration.ts';
import { didYouMean } from '../config/suggest.ts';
import type { ReplaySettings } from '../evaluate/replay.ts';
import { POLICY_NAMES } from '../evaluate/seeded-run.ts';
import { CommandFailed } from './command-failed.ts';

/** As the command line has them. */
export interface WrittenOptions {
  policy?: string[];
  prefer?: string;
  usdPerRequest?: string;
  halfLife?: string;
  perDay?: string;
  warmUp?: string;
  seeds?: string;
  inOrder?: boolean;
  svg?: string;
  json?: boolean;
}

export interface ReplayOptions {
  policies: ReplaySettings['policy'][];
  prefer: ReplaySettings['prefer'];
  usdPerRequest: number | null;
  halfLifeMs: number | null;
  perDay: number;
  warmUp: string | null;
  seeds: number;
  inOrder: boolean;
  svg: string | null;
  json: boolean;
}

/**
 * A router's own defaults, but for the preference: what was recorded is a score, and two policies can only be compared by it
 * where neither gives any away for money. Where money matters, a ceiling says how much.
 */
const DEFAULTS = { policy: 'linear-thompson', prefer: 'quality', halfLife: '7d', perDay: '500', seeds: '20' };

const PREFERENCES = ['quality', 'balanced', 'cost', 'speed'] as const;

/** Throws `CommandFailed`. */
export function readOptions(written: WrittenOptions): ReplayOptions {
  return {
    policies: [...new Set((written.policy ?? [DEFAULTS.policy]).map(policyOf))],
    prefer: preferenceOf(written.prefer ?? DEFAULTS.prefer),
    usdPerRequest: written.usdPerRequest === undefined ? null : positive('--usd-per-request', written.usdPerRequest),
    halfLifeMs: halfLifeOf(written.halfLife ?? DEFAULTS.halfLife),
    perDay: positive('--per-day', written.perDay ?? DEFAULTS.perDay),
    warmUp: written.warmUp ?? null,
    seeds: seedsOf(written.seeds ?? DEFAULTS.seeds),
    inOrder: written.inOrder ?? false,
    svg: written.svg ?? null,
    json: written.json ?? false,
  };
}

function policyOf(name: string): ReplaySettings['policy'] {
  const known = POLICY_NAMES.find((one) => one === name);
  if (known) return known;
  throw refused('--policy', `unknown ${name}${didYouMean(name, POLICY_NAMES)}`, POLICY_NAMES.join(', '));
}

function preferenceOf(text: string): ReplaySettings['prefer'] {
  const named = PREFERENCES.find((one) => one === text);
  if (named) return named;
  const usd = numberIn(text);
  if (usd > 0) return { usd_per_point: usd };
  const allowed = `${PREFERENCES.join(', ')}, or what one point (1%) of quality may cost, in USD`;
  throw refused('--prefer', `${text} is none`, allowed);
}

function halfLifeOf(text: string): number | null {
  if (text === 'off' || (DURATION.test(text) && Number.parseFloat(text) > 0)) return durationMs(text);
  throw refused('--half-life', `${text} is none`, 'a duration above 0 such as 30m, 24h or 7d, or off');
}

const MOST_SEEDS = 10_000;

function seedsOf(text: string): number {
  const seeds = numberIn(text);
  if (Number.isInteger(seeds) && seeds >= 1 && seeds <= MOST_SEEDS) return seeds;
  throw refused('--seeds', `${text} is no number of seeds`, `1 to ${MOST_SEEDS}`);
}

function positive(option: string, text: string): number {
  const value = numberIn(text);
  if (value > 0) return value;
  throw refused(option, `${text} is wrong`, 'a number above 0');
}

/** NaN for what is none, an empty text too. */
function numberIn(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}

const refused = (option: string, what: string, allowed: string): CommandFailed =>
  new CommandFailed(`${option}: ${what} (allowed: ${allowed})`);
