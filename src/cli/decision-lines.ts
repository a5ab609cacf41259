/** Decisions as lines of JSON, to be read by other programs and by another Conduit. */
import * as z from 'zod';
import { decisionTime } from '../routing/decision.ts';
import { BEFORE_CHANGES, type DecisionRecord, learnedFromRewards, REASONS } from '../stores/decision-record.ts';

/** Changes whenever older releases could not read what is written. */
const FORMAT = 3;

export function lineOf(decision: DecisionRecord): string {
  return `${JSON.stringify({ object: 'decision', format: FORMAT, ...decision })}\n`;
}

const number = z.number();
const text = z.string();
/** It comes onto terminals. */
const name = text.regex(/^\P{Cc}*$/u, { error: 'a name with control characters' });
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const sign = z.int().min(0).max(255);
const label = z.object({ quality: share.nullable(), weight: number.min(0), shown: sign, next: sign, share });
const outcome = z.enum(['completed', 'client_abort', 'upstream_error', 'upstream_drop', 'timeout']);

/** What all formats have. */
const known = z.object({
  object: z.literal('decision'),
  id: text.refine((id) => decisionTime(id) !== null, { error: 'not the id of a decision' }),
  version: z.int().min(1),
  router: name.nullable(),
  created: count,
  call: text,
  key: name.nullable(),
  chosen: name,
  model: name,
  reason: z.enum(REASONS),
  propensity: share,
  candidates: z.array(
    z.object({
      model: text,
      eligible: z.boolean(),
      ruledOut: text.nullable(),
      propensity: share,
      quality: z.object({ mean: number, low: number, high: number }),
      costUsd: number,
      firstByteMs: number,
      totalMs: number,
      utility: number,
    }),
  ),
  encoder: text,
  x: z.array(number),
  uniform: share,
  cursor: text,
  promptTokensEstimate: number.min(0),
  attempts: z.array(
    z.object({
      model: text,
      outcome,
      status: count.nullable(),
      firstByteMs: number.nullable(),
      totalMs: number,
    }),
  ),
  outcome: z
    .object({
      kind: outcome,
      finishReason: text.nullable(),
      promptTokens: number.nullable(),
      completionTokens: number.nullable(),
      // From format 3 on.
      cachedTokens: number.nullable().default(null),
      costUsd: number,
      estimated: z.boolean(),
    })
    .nullable(),
  signals: z
    .array(
      z.object({
        signal: text,
        source: z.enum(['explicit', 'implicit']),
        value: share,
        weight: number.min(0),
        at: count,
        comment: text.exactOptional(),
      }),
    )
    .refine((signals) => new Set(signals.map(({ signal, source }) => `${source} ${signal}`)).size === signals.length, {
      error: 'two of one name and source',
    }),
  reward: share.nullable(),
  completionId: text.nullable(),
  idempotencyKeys: z.array(text),
});

const labelled = known.extend({
  label,
  labelBefore: label.nullable(),
  turn: count,
  retry: count,
  sketch: text.max(64).nullable(),
});

const decisionSchema = z.discriminatedUnion(
  'format',
  [
    labelled.extend({
      format: z.literal(FORMAT),
      prefixTokens: number.min(0).nullable(),
      worthBefore: z.number().gt(0).lt(1).nullable(),
    }),
    labelled.extend({ format: z.literal(2) }).transform((decision) => ({ ...decision, ...BEFORE_CHANGES })),
    known
      .extend({ format: z.literal(1), rewardBefore: share.nullable() })
      .transform(({ rewardBefore, ...decision }) => ({
        ...decision,
        ...BEFORE_CHANGES,
        ...learnedFromRewards(decision.version, decision.reward, rewardBefore),
      })),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? `not one of these (allowed: 1 to ${FORMAT})` : undefined) },
);

export type ReadLine = { ok: true; decision: DecisionRecord } | { ok: false; problem: string };

/** What is wrong with a line is told with the field that it is wrong in. */
export function decisionIn(line: string): ReadLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { ok: false, problem: 'not JSON' };
  }
  const parsed = decisionSchema.safeParse(value);
  if (parsed.success) {
    const { object: _, format: __, ...decision } = parsed.data;
    return { ok: true, decision };
  }
  const issue = parsed.error.issues[0];
  return { ok: false, problem: `${issue?.path.join('.') || 'the line'}: ${issue?.message}` };
}
