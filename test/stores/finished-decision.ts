/** Decisions with all that one can have, for tests of what keeps them. */
import { type DecisionRecord, rounded } from '../../src/stores/decision-record.ts';

/** When they were made, milliseconds since 1970, or a little later. */
export const START = 1_764_000_000_000;
export const ARMS = ['openai/large', 'openai/small', 'local/tiny'];
let made = 0;

/** No two alike. */
export function finishedDecision(more: Partial<DecisionRecord> = {}): DecisionRecord {
  const n = ++made;
  const { created = START + n } = more;
  const model = ARMS[n % ARMS.length] as string;
  return {
    id: `dec_${created.toString(16).padStart(12, '0')}${n.toString(16).padStart(20, '0')}`,
    version: 1,
    router: 'auto',
    created,
    call: 'chat/completions',
    key: 'web',
    chosen: model,
    model,
    reason: 'explore',
    propensity: 0.1 + 0.2,
    candidates: ARMS.map((arm, i) => ({
      model: arm,
      eligible: i !== 2,
      propensity: i / 7,
      // Rounded, as they are where a call is settled.
      quality: { mean: 0.3333, low: 1e-9, high: 0.9999 },
      costUsd: rounded(1.5e-7 * i),
      firstByteMs: 12.25,
      totalMs: 1_234.6,
      utility: -0.12346,
      ruledOut: i === 2 ? 'context too small: “128k”' : null,
    })),
    encoder: 'hand-1',
    x: [1, -0.1234, 0, 0.9999, -3.5],
    uniform: 0.123456789012345,
    cursor: `a1b2-${n}`,
    promptTokensEstimate: 250,
    attempts: [
      { model: 'openai/large', outcome: 'upstream_error', status: 500, firstByteMs: null, totalMs: 12.5 },
      { model, outcome: 'completed', status: 200, firstByteMs: 210.75, totalMs: 3_000.125 },
    ],
    outcome: {
      kind: 'completed',
      finishReason: 'stop',
      promptTokens: 240,
      completionTokens: 300,
      cachedTokens: 200,
      costUsd: 0.00123,
      estimated: false,
    },
    signals: [],
    reward: null,
    label: { quality: null, weight: 0, shown: 0, next: 0, share: 1 },
    labelBefore: null,
    turn: 3,
    retry: 1,
    sketch: null,
    prefixTokens: 220,
    worthBefore: null,
    completionId: `chatcmpl-${n}`,
    idempotencyKeys: [],
    ...more,
  };
}
