/** Reads what somebody asks a report for, out of a URL or a command line. */
import { POLICY_NAMES, type PolicyName } from '../bandit/policies/index.ts';
import { DURATION, durationMs } from '../config/duration.ts';

/** What is asked for beside what every report has. */
export interface Asked {
  /** Milliseconds since 1970: decisions before it are left out. Null for all. */
  since: number | null;
  policies: readonly PolicyName[];
  /** Preferences in numbers: what a point of quality may cost. */
  usdPerPoint: readonly number[];
  /** Average ceilings. */
  usdPerRequest: readonly number[];
}

export interface AskedTexts {
  since: string | undefined;
  policy: readonly string[];
  usd_per_point: readonly string[];
  usd_per_request: readonly string[];
}

export type ReadAsked = { ok: true; asked: Asked } | { ok: false; field: keyof AskedTexts; problem: string };

/** Of each, in one report: every one goes over the whole log, and keeps columns as long as that. */
const MOST_ASKED = 10;

export function readAsked(texts: AskedTexts, now: number): ReadAsked {
  const read = readSince(texts.since, now);
  if (!read.ok) return { ok: false, field: 'since', problem: read.problem };
  const { since } = read;
  for (const field of ['policy', 'usd_per_point', 'usd_per_request'] as const) {
    const { length } = texts[field];
    if (length > MOST_ASKED)
      return { ok: false, field, problem: `${length} are too many for one report. Allowed: at most ${MOST_ASKED}.` };
  }
  const policies: PolicyName[] = [];
  for (const text of texts.policy) {
    const policy = POLICY_NAMES.find((name) => name === text);
    if (!policy)
      return {
        ok: false,
        field: 'policy',
        problem: `'${text}' is no policy. Allowed: ${POLICY_NAMES.join(', ')}.`,
      };
    policies.push(policy);
  }
  for (const field of ['usd_per_point', 'usd_per_request'] as const) {
    const wrong = texts[field].find((text) => !(Number(text) > 0 && Number.isFinite(Number(text))));
    if (wrong !== undefined) return { ok: false, field, problem: `'${wrong}' is no number of USD above 0.` };
  }
  const usdPerPoint = texts.usd_per_point.map(Number);
  const usdPerRequest = texts.usd_per_request.map(Number);
  return { ok: true, asked: { since, policies, usdPerPoint, usdPerRequest } };
}

/** Milliseconds since 1970; null where nothing is said. */
export function readSince(
  text: string | undefined,
  now: number,
): { ok: true; since: number | null } | { ok: false; problem: string } {
  const since = text === undefined ? null : timeIn(text, now);
  if (since !== undefined) return { ok: true, since };
  const allowed = "a duration such as '7d', seconds since 1970, or an ISO 8601 time";
  return { ok: false, problem: `'${text}' is no time. Allowed: ${allowed}.` };
}

/** `Date.parse` alone takes much for a time that is none: a bare 7 is a month of 2001 to it. */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T|$)/;

/** Undefined where it is none. */
function timeIn(text: string, now: number): number | undefined {
  // Nothing was decided within no time at all.
  if (DURATION.test(text)) return durationMs(text) === 0 ? undefined : now - (durationMs(text) as number);
  if (!/^\d{9,}$/.test(text) && !ISO_DATE.test(text)) return undefined;
  const at = /^\d{9,}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isFinite(at) ? at : undefined;
}
