/** Asks each provider, with its own key, which models the key may use. */
import * as z from 'zod';
import type { Preset, Vendor } from '../../config/presets.ts';
import { askServer, type Reply } from './ask-server.ts';

export type KeyChecked =
  | { kind: 'works'; names: readonly string[]; has: (model: string) => boolean }
  | { kind: 'refused' }
  /** It says neither: unreachable, slow, or an answer of another shape. */
  | { kind: 'unknown'; why: string };

const WITHIN_MS = 3000;

/** OpenRouter tells its whole list to everybody; this one only with a key, and as the key's settings have it. */
const PATHS: Partial<Record<Vendor, string>> = { anthropic: '/models?limit=1000', openrouter: '/models/user' };

/** A 403 is none: a key may be good for chat alone, and not for the list. */
const REFUSALS: Partial<Record<Vendor, number>> = { gemini: 400, xai: 400 };

export async function checkKey({ vendor, baseUrl }: Preset, key: string): Promise<KeyChecked> {
  const reply = await askServer(`${baseUrl}${PATHS[vendor] ?? '/models'}`, {
    headers:
      vendor === 'anthropic'
        ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' }
        : { authorization: `Bearer ${key}` },
    until: AbortSignal.timeout(WITHIN_MS),
  });
  if (reply.kind === 'status' && (REFUSALS[vendor] ?? 401) === reply.status) return { kind: 'refused' };
  const names = namesIn(reply);
  if (names === null) return { kind: 'unknown', why: whyUnknown(reply) };
  // What is asked for is mostly the name without the date at its end.
  const known = new Set([...names, ...names.map((name) => name.replace(/-(\d{8}|\d{4}|\d{4}-\d{2}-\d{2})$/, ''))]);
  return { kind: 'works', names, has: (model) => known.has(model) };
}

const entry = z.object({ id: z.string() });
const list = z.union([z.object({ data: z.array(entry) }).transform(({ data }) => data), z.array(entry)]);

function namesIn(reply: Reply): string[] | null {
  const parsed = list.safeParse(reply.kind === 'json' ? reply.body : null);
  if (!parsed.success || parsed.data.length === 0) return null;
  return parsed.data.map(({ id }) => id.replace(/^models\//, ''));
}

function whyUnknown(reply: Reply): string {
  if (reply.kind === 'unreachable') return 'cannot be reached';
  if (reply.kind === 'too-slow') return `did not answer within ${WITHIN_MS / 1000} s`;
  if (reply.kind === 'status') return `answered with status ${reply.status}`;
  return 'gave no list of models';
}
