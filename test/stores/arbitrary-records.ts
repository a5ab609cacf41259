/** Records of every shape that the types allow, for property tests. */
import * as fc from 'fast-check';
import type { Evidence, Label } from '../../src/bandit/evidence.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';

/** Halves of surrogate pairs too: a JSON text may hold them. */
export const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('', 'é'.repeat(5_000), '木'.repeat(9_000), 'a'.repeat(100_000)),
);

export const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeNat(),
  fc.float(),
  fc.constantFrom(0, -0, 239, 240, 2 ** 16 - 1, 2 ** 16, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1, 2 ** 48, 1e-7),
);

/** Most with four decimals, as the encoder gives them. */
export const anyVector = fc.oneof(
  fc.array(
    fc.integer({ min: -40_000, max: 40_000 }).map((scaled) => scaled / 1e4),
    { maxLength: 40 },
  ),
  fc.array(fc.constantFrom(1, -0, 0, 0.1, -3.2767, 3.2767, -3.2768, 3.2768, 0.00005), { maxLength: 10 }),
  fc.array(anyNumber, { maxLength: 10 }),
);

const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value);
const anyModel = fc.oneof(fc.constantFrom('openai/large', 'local/small'), anyText);
const anyOutcome = fc.constantFrom('completed', 'client_abort', 'upstream_error', 'upstream_drop', 'timeout');

/** Most as they are: a fan-out's part of what came next, or nothing yet. */
export const anyLabel: fc.Arbitrary<Label> = fc.record(
  {
    quality: orNull(fc.oneof(fc.constantFrom(0, 0.5, 1), anyNumber)),
    weight: fc.oneof(fc.constantFrom(0, 1), anyNumber),
    shown: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 255 })),
    next: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 255 })),
    share: fc.oneof(
      fc.nat({ max: 300 }).map((halvings) => 2 ** -halvings),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0, -0, 2, 1 / 3, 1 - 2 ** -53, 2 ** -1074),
    ),
  },
  { noNullPrototype: true },
);

const anyCount = fc.oneof(fc.nat({ max: 20 }), fc.maxSafeNat());
const anySketch = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 18 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  anyText,
);

export const anyDecision: fc.Arbitrary<DecisionRecord> = fc.record(
  {
    id: anyText,
    version: anyNumber,
    router: orNull(anyText),
    created: anyNumber,
    call: anyText,
    key: orNull(anyText),
    chosen: anyModel,
    model: anyModel,
    reason: fc.constantFrom('warmup', 'explore', 'exploit', 'only-eligible', 'sticky', 'budget', 'pinned', 'fallback'),
    propensity: anyNumber,
    candidates: fc.array(
      fc.record(
        {
          model: anyModel,
          eligible: fc.boolean(),
          propensity: anyNumber,
          quality: fc.record({ mean: anyNumber, low: anyNumber, high: anyNumber }, { noNullPrototype: true }),
          costUsd: anyNumber,
          firstByteMs: anyNumber,
          totalMs: anyNumber,
          utility: anyNumber,
          ruledOut: orNull(anyText),
        },
        { noNullPrototype: true },
      ),
      { maxLength: 5 },
    ),
    encoder: anyText,
    x: anyVector,
    uniform: anyNumber,
    cursor: anyText,
    promptTokensEstimate: anyNumber,
    attempts: fc.array(
      fc.record(
        {
          model: anyModel,
          outcome: anyOutcome,
          status: orNull(anyNumber),
          firstByteMs: orNull(anyNumber),
          totalMs: anyNumber,
        },
        { noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
    outcome: orNull(
      fc.record(
        {
          kind: anyOutcome,
          finishReason: orNull(anyText),
          promptTokens: orNull(anyNumber),
          completionTokens: orNull(anyNumber),
          cachedTokens: orNull(anyNumber),
          costUsd: anyNumber,
          estimated: fc.boolean(),
        },
        { noNullPrototype: true },
      ),
    ),
    signals: fc.array(
      fc.record(
        {
          signal: fc.oneof(fc.constantFrom('thumbs', 'silence', 'regenerated', 'fan_out'), anyText),
          source: fc.constantFrom('explicit', 'implicit'),
          value: anyNumber,
          weight: anyNumber,
          at: anyNumber,
          comment: anyText,
        },
        { requiredKeys: ['signal', 'source', 'value', 'weight', 'at'], noNullPrototype: true },
      ),
      { maxLength: 3 },
    ),
    reward: orNull(anyNumber),
    label: anyLabel,
    labelBefore: orNull(anyLabel),
    turn: anyCount,
    retry: anyCount,
    prefixTokens: orNull(anyNumber),
    worthBefore: orNull(fc.double({ noNaN: true })),
    sketch: orNull(anySketch),
    completionId: orNull(
      fc.oneof(
        anyText,
        anyText.map((text) => `chatcmpl-${text}`),
      ),
    ),
    idempotencyKeys: fc.array(anyText, { maxLength: 3 }),
  },
  { noNullPrototype: true },
);

export const anyEvidence: fc.Arbitrary<Evidence> = fc
  .record(
    {
      decisionId: anyText,
      revision: anyNumber,
      at: anyNumber,
      router: anyText,
      arm: anyModel,
      encoder: anyText,
      x: anyVector,
      label: anyLabel,
      earlier: orNull(anyLabel),
      promptTokensEstimate: anyNumber,
      promptTokens: orNull(anyNumber),
      completionTokens: orNull(anyNumber),
      costUsd: orNull(anyNumber),
      firstByteMs: orNull(anyNumber),
      totalMs: orNull(anyNumber),
      cachedShare: orNull(anyNumber),
      worthBefore: orNull(anyNumber),
    },
    { noNullPrototype: true },
  )
  .map(({ label, ...evidence }) => ({ ...evidence, ...label }));
