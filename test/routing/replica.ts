/** One replica of the gateway as far as follow-ups go: what is asked of it, and answered, with no network in between. */
import type { Router } from '../../src/config/resolve.ts';
import { type Asked, createFollowUps, type FollowUps, type Standing } from '../../src/routing/follow-ups.ts';
import { createLearner, type Learner } from '../../src/routing/learner.ts';
import { createLedger, type Ledger } from '../../src/routing/ledger.ts';
import type { Asker, Message } from '../../src/routing/lineage.ts';
import { withSigns } from '../../src/routing/seen.ts';
import type { SignalName } from '../../src/signals/signs.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import type { Found, StateStore } from '../../src/stores/ports.ts';
import { UNSEEN } from '../../src/upstream/observe.ts';
import type { AttemptEnd } from '../../src/upstream/outcome.ts';
import { decision } from '../stores/state-store-suite.ts';
import type { TestRuntime } from './runtime.ts';

export const ANN: Asker = { key: 'web', session: null, person: 'ann' };
export const NOBODY: Asker = { key: 'web', session: null, person: null };

/** How long an answer takes, milliseconds. */
export const TOOK_MS = 1_000;

export const user = (content: string): Message => ({ role: 'user', content });
export const assistant = (content: string): Message => ({ role: 'assistant', content });

/** A request that has been routed, whose answer is on its way. */
export interface Call {
  id: string;
  asked: Asked;
  found: Found | null;
  standing: Promise<Standing>;
}

export interface Replica {
  ledger: Ledger;
  followUps: FollowUps;
  learner: Learner;
  ask(messages: readonly Message[], asker?: Asker, clientRetry?: boolean): Promise<Call>;
  answer(call: Call, text: string, end?: Partial<AttemptEnd>): Promise<void>;
  /** Asks and answers; gives the decision's id once it is kept. */
  exchange(messages: readonly Message[], text: string, asker?: Asker): Promise<string>;
}

export function replicaOf(
  state: StateStore,
  runtime: TestRuntime,
  { off = [], model = 'fake/small' }: { off?: readonly SignalName[]; model?: string } = {},
): Replica {
  const router = {
    name: 'auto',
    models: ['fake/small', 'fake/large'],
    halfLifeMs: null,
    signalsOff: new Set(off),
  } as unknown as Router;
  const arms = router.models.map((id) => ({ id, price: { input: 1, output: 1 }, was: [] }));
  const learner = createLearner(router, arms as unknown as Parameters<typeof createLearner>[1], state, runtime);
  const learners = new Map([['auto', learner]]);
  const ledger = createLedger(state, runtime);
  const followUps = createFollowUps(ledger, runtime, { saw() {} });

  const ask: Replica['ask'] = async (messages, asker = ANN, clientRetry = false) => {
    const asked = followUps.trace(messages, asker, clientRetry);
    const found = followUps.findHere(asked) ?? (await followUps.find(asked, 'auto')?.catch(() => null)) ?? null;
    const own = decision({
      created: runtime.time,
      chosen: model,
      model,
      outcome: null,
      attempts: [],
      sketch: asked.question()?.sketch ?? null,
      completionId: null,
    });
    const standing = followUps.judge(asked, found, own, learners);
    ledger.open(own, { name: asked.lineage.answered, isWhole: () => false });
    return { id: own.id, asked, found, standing };
  };

  const answer: Replica['answer'] = async ({ id, asked, standing }, text, more = {}) => {
    runtime.time += TOOK_MS;
    ledger.end(id, more.outcome ?? 'completed');
    const stands = await standing;
    const observed = { ...UNSEEN, finishReason: 'stop', message: { text, toolCallIds: [] }, characters: text.length };
    const end = {
      outcome: 'completed',
      totalMs: TOOK_MS,
      firstByteMs: null,
      observed,
      begun: true,
      ...more,
    } as AttemptEnd;
    ledger.settle(id, (open) => {
      const { outcome } = end;
      const ended: DecisionRecord = {
        ...open,
        attempts: [{ model, outcome, status: 200, firstByteMs: null, totalMs: TOOK_MS }],
        outcome: {
          kind: outcome,
          finishReason: outcome === 'completed' ? 'stop' : null,
          promptTokens: 10,
          completionTokens: 10,
          cachedTokens: null,
          costUsd: 0,
          estimated: false,
        },
      };
      const sketch = asked.question()?.sketch ?? null;
      const seen = withSigns(ended, { end, observed, body: {}, standing: stands, sketch, learner, now: runtime.time });
      if (outcome === 'completed') followUps.answered(asked, seen);
      return { decision: seen, names: namesOf(asked, text, seen) };
    });
    await runtime.settled();
  };

  return {
    ledger,
    followUps,
    learner,
    ask,
    answer,
    async exchange(messages, text, asker) {
      const call = await ask(messages, asker);
      await answer(call, text);
      return call.id;
    },
  };
}

function namesOf({ lineage }: Asked, text: string, { turn, retry }: DecisionRecord): string[] {
  const names = [lineage.answered, ...lineage.withAnswer({ text, toolCallIds: [] })];
  if (lineage.before !== null && (lineage.named || turn > retry)) names.push(lineage.before);
  if (lineage.session !== null) names.push(lineage.session);
  return names;
}
