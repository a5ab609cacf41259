/** Decisions for the measurements of stores. */
import { randomBytes } from 'node:crypto';
import { encoder } from '../src/context/encoder.ts';
import { type DecisionRecord, rounded, roundedShare } from '../src/stores/decision-record.ts';
import type { Kept } from '../src/stores/ports.ts';
import { prompt } from './samples.ts';

const ARMS = ['openai/large', 'openai/small', 'anthropic/medium', 'local/tiny'];
/** Of prompts, as they are. */
const FEATURES = Array.from({ length: 100 }, (_, i) => encoder.encode(prompt(i)));

const hex = (digits: number): string => randomBytes(digits / 2).toString('hex');
const digest = (): string => randomBytes(32).toString('base64url').slice(0, 22);
/** As a decision's numbers are rounded where it is settled. */
const some = (most: number): number => rounded(Math.random() * most);
/** As the draw makes them. */
const parts = (): number => Math.floor(Math.random() * 2 ** 32) / 2 ** 32;
const share = (): number => roundedShare(Math.random());
let made = 0;

export const idAt = (time: number): string => `dec_${time.toString(16).padStart(12, '0')}${hex(20)}`;
export const threeNames = (): string[] => [`asked:${digest()}`, `talk:${digest()}`, `completion:${digest()}`];

export interface Made {
  /** Left out: four. */
  arms?: readonly string[];
  /** Milliseconds from each to the next; left out: 1. */
  betweenMs?: number;
}

/** A decision like those of a chat, its three names; no object of it is shared. */
export function finished({ arms = ARMS, betweenMs = 1 }: Made = {}): Kept {
  const created = 1_800_000_000_000 + betweenMs * made;
  const model = arms[made++ % arms.length] as string;
  const totalMs = rounded(1_000 + Math.random() * 5_000);
  const firstByteMs = rounded(200 + Math.random() * 800);
  const decision: DecisionRecord = {
    id: idAt(created),
    version: 1,
    router: 'auto',
    created,
    call: 'chat/completions',
    key: 'web',
    chosen: model,
    model,
    reason: 'explore',
    propensity: parts(),
    candidates: arms.map((arm) => ({
      model: arm,
      eligible: true,
      propensity: parts(),
      quality: { mean: share(), low: share(), high: share() },
      costUsd: some(0.001),
      firstByteMs: some(1_000),
      totalMs: some(5_000),
      utility: some(1),
      ruledOut: null,
    })),
    encoder: 'hand-1',
    x: (FEATURES[made % FEATURES.length] as readonly number[]).slice(),
    uniform: parts(),
    cursor: `8k2m4x1q-${created - 700}-0`,
    promptTokensEstimate: 250,
    attempts: [{ model, outcome: 'completed', status: 200, firstByteMs, totalMs }],
    outcome: {
      kind: 'completed',
      finishReason: 'stop',
      promptTokens: 240,
      completionTokens: 300,
      cachedTokens: null,
      costUsd: 0.00123,
      estimated: false,
    },
    signals: [],
    reward: null,
    // Nothing was said of it yet, and nothing came next.
    label: { quality: null, weight: 0, shown: 0, next: 0, share: 1 },
    labelBefore: null,
    turn: made % 4,
    retry: 0,
    prefixTokens: null,
    worthBefore: null,
    sketch: digest(),
    completionId: `chatcmpl-${hex(28)}`,
    idempotencyKeys: [],
  };
  return {
    decision,
    names: threeNames(),
  };
}
