/** Reads values of a parsed file whose types nobody has checked. */

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The settings of a mapping; a setting that is written and left empty is none. */
export function settingsOf(value: unknown): [string, unknown][] {
  return isMapping(value)
    ? Object.entries(value).filter(([, setting]) => setting !== null && setting !== undefined)
    : [];
}

/** A text that is not empty, without the blanks around it; null where it is none. */
export function textOf(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
  return text === '' ? null : text;
}

/** A finite number, also where it is written as a text, as PyYAML reads `3e-6`; null where it is none. */
export function numberOf(value: unknown): number | null {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}

export function textsOf(value: unknown): string[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
}

/** LiteLLM's settings of yes or no, which may be written as texts. */
export const isYes = (value: unknown): boolean =>
  value === true || (typeof value === 'string' && /^true$/i.test(value));
