// Numbers as people read them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (value) => (value >= 1e6 ? compact.format(value) : whole.format(value));

/** USD with three digits that matter, however small. */
export function usd(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size === 0) return '$0';
  if (size >= 1000) return `${sign}$${whole.format(size)}`;
  if (size >= 1) return `${sign}$${size.toFixed(2)}`;
  if (size < 1e-7) return `${sign}$${size.toExponential(1)}`;
  const digits = Math.min(9, Math.max(3, 2 - Math.floor(Math.log10(size))));
  return `${sign}$${size.toFixed(digits)}`;
}

export const percent = (part, digits = 0) =>
  part === null || part === undefined || !Number.isFinite(part)
    ? '–'
    : `${(100 * part).toFixed(digits)}%`.replace('-', '−');

/** A quality in [0, 1] as points out of 100. */
export const points = (quality) => percent(quality, 1);

export function ms(value) {
  if (value === null || value === undefined) return '–';
  if (value < 1000) return `${Math.round(value)} ms`;
  return value < 60_000 ? `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s` : `${(value / 60_000).toFixed(1)} min`;
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const shortClock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const dayClock = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
export const timeOf = (at) => clock.format(at);
export const minuteOf = (at, range) =>
  (range === 'minutes' ? clock : range === 'hour' ? shortClock : dayClock).format(at);
export const dateOf = (at) => dayClock.format(at);

export function ago(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

/** `upstream_error` as `upstream error`. */
export const words = (name) => name.replaceAll('_', ' ').replaceAll('-', ' ');

/** What stands behind the provider, which all models of one have in common. */
export const shortName = (model) => model.slice(model.indexOf('/') + 1);

/** The 95% interval of a share out of so many observations (Wilson 1927), which never leaves [0, 1]. Null without any. */
export function wilson({ weight, good }) {
  if (!(weight > 0)) return null;
  const z = 1.96;
  const mean = Math.min(1, Math.max(0, good / weight));
  const scale = 1 + (z * z) / weight;
  const middle = (mean + (z * z) / (2 * weight)) / scale;
  const half = (z / scale) * Math.sqrt((mean * (1 - mean)) / weight + (z * z) / (4 * weight * weight));
  return { mean, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
