/** Reads durations such as `7d`, `24h`, `30m`, `10s`. */

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d)$/;

/** Milliseconds; null for `off`. The text must match `DURATION` or be `off`. */
export function durationMs(text: string): number | null {
  if (text === 'off') return null;
  const [, amount, unit] = DURATION.exec(text) as unknown as [string, string, keyof typeof UNIT_MS];
  return Number(amount) * UNIT_MS[unit];
}
