/** How long an upstream asks to be left alone (RFC 9110, section 10.2.3; `retry-after-ms` is OpenAI's own). */
import type { ResponseHeaders } from './port.ts';

/** Milliseconds from `now` (since 1970), at least 0; null where the upstream did not say, or not so that it can be read. */
export function retryAfterMs(headers: ResponseHeaders, now: number): number | null {
  const exact = headers['retry-after-ms'];
  if (exact !== undefined && /^\d+(\.\d+)?$/.test(exact.trim())) return Number(exact);
  const told = headers['retry-after']?.trim();
  if (told === undefined || told === '') return null;
  if (/^\d+(\.\d+)?$/.test(told)) return Number(told) * 1_000;
  const date = Date.parse(told);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
