/** What is asked, drawn by the seed. */
import type { Dice } from '../dice.ts';
import { EARLY_FAULTS, type Fault, MIDWAY_FAULTS, ODDITIES, writeDirective } from './directive.ts';

/** Everything a client may do to an answer that is on its way. */
export type Behaviour = 'reads' | 'pauses' | 'leaves-before' | 'leaves-midway' | 'leaves-anytime';

/** How a request ended as its client saw it. `wrong` is what must never be. */
export type Ending = 'whole' | 'error' | 'broken' | 'left' | 'wrong';

export interface ChatPlan {
  kind: 'chat';
  nonce: number;
  fault: Fault;
  times: number;
  chunks: number;
  stream: boolean;
  model: 'auto' | 'gpt-4o-mini' | 'mock/a' | 'plain/c';
  behaviour: Behaviour;
  /** Whether the client asks for usage in the stream itself. */
  usage: boolean;
  /** Whether it goes on from this client's last answer. */
  followsUp: boolean;
  /** Milliseconds after which a client that may leave at any time does. */
  leavesAfterMs: number;
  /** Feedback on this client's last answer, in the request's headers. */
  thumb: 'up' | 'down' | null;
  session: string | null;
}

export type FeedbackKind = 'new' | 'changed' | 'again' | 'unknown' | 'invalid';
export interface FeedbackPlan {
  kind: 'feedback';
  nonce: number;
  feedback: FeedbackKind;
}

export interface PlainPlan {
  kind: 'plain';
  nonce: number;
  name: PlainName;
}

export type Plan = ChatPlan | FeedbackPlan | PlainPlan;

/** Requests that need no upstream: wrong ones, and those that ask Conduit itself. */
export const PLAIN = {
  'bad-json': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'user',
    body: '{"model":"auto","messages":[',
    status: 400,
  },
  'no-messages': { method: 'POST', path: '/v1/chat/completions', key: 'user', body: '{"model":"auto"}', status: 400 },
  'wrong-types': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'user',
    body: '{"model":"auto","messages":[7]}',
    status: 400,
  },
  'empty-body': { method: 'POST', path: '/v1/chat/completions', key: 'user', body: '', status: 400 },
  'too-large': { method: 'POST', path: '/v1/chat/completions', key: 'user', body: 'x'.repeat(6_000_000), status: 413 },
  'wrong-key': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'wrong',
    body: '{"model":"auto","messages":[{"role":"user","content":"hi"}]}',
    status: 401,
  },
  'unknown-model': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'user',
    body: '{"model":"no-such","messages":[{"role":"user","content":"hi"}]}',
    status: 404,
  },
  'no-eligible': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'user',
    body: '{"model":"auto","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}',
    status: 400,
  },
  'forbidden-model': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'narrow',
    body: '{"model":"plain/c","messages":[{"role":"user","content":"hi"}]}',
    status: 403,
  },
  'half-a-body': {
    method: 'POST',
    path: '/v1/chat/completions',
    key: 'user',
    body: '{"model":"auto","messages":[',
    status: null,
  },
  models: { method: 'GET', path: '/v1/models', key: 'user', body: null, status: 200 },
  model: { method: 'GET', path: '/v1/models/mock/a', key: 'user', body: null, status: 200 },
  health: { method: 'GET', path: '/health', key: null, body: null, status: 200 },
  ready: { method: 'GET', path: '/ready', key: null, body: null, status: 200 },
  router: { method: 'GET', path: '/v1/routers/auto', key: 'admin', body: null, status: 200 },
  'router-forbidden': { method: 'GET', path: '/v1/routers/auto', key: 'user', body: null, status: 403 },
  'no-decision': {
    method: 'GET',
    path: '/v1/decisions/dec_00000000000000000000000000000000',
    key: 'user',
    body: null,
    status: 404,
  },
  'no-route': { method: 'GET', path: '/nowhere', key: 'user', body: null, status: 404 },
} as const satisfies Record<string, PlainRequest>;
export type PlainName = keyof typeof PLAIN;

export interface PlainRequest {
  method: 'GET' | 'POST';
  path: string;
  key: 'user' | 'narrow' | 'admin' | 'wrong' | null;
  body: string | null;
  /** What is answered; null where the client leaves in the middle of its own body. */
  status: number | null;
}

/** Attempts that fail of a request that shall find no answer: more than there are arms and keys. */
const EVERY_ATTEMPT = 99;

/** What the client's part in it is weighs, out of a hundred or so. */
const CLASSES = {
  fine: 56,
  early: 9,
  midway: 6,
  leavesBefore: 3,
  leavesMidway: 4,
  leavesAnytime: 3,
  pauses: 0.3,
  feedback: 8,
  wrong: 6,
  asks: 4.7,
};

const WRONG: readonly PlainName[] = [
  'bad-json',
  'no-messages',
  'wrong-types',
  'empty-body',
  'too-large',
  'wrong-key',
  'unknown-model',
  'no-eligible',
  'forbidden-model',
  'half-a-body',
];
const ASKS: readonly PlainName[] = [
  'models',
  'model',
  'health',
  'ready',
  'router-forbidden',
  'no-decision',
  'no-route',
];
/** Stalls cost the soak its limit of time each, whole megabytes their processor's. */
const RARE: Partial<Record<Fault, number>> = {
  stall: 0.3,
  'stall-after-headers': 0.3,
  'stall-midway': 0.3,
  huge: 0.1,
  tiny: 0.2,
  none: 12,
  'huge-many': 0,
};

export function drawPlan(nonce: number, dice: Dice): Plan {
  const drawn = dice.weighted(CLASSES);
  if (drawn === 'feedback') {
    const feedback = dice.weighted({ new: 4, changed: 2, again: 3, unknown: 1, invalid: 1 });
    return { kind: 'feedback', nonce, feedback };
  }
  if (drawn === 'wrong') return { kind: 'plain', nonce, name: dice.pick(WRONG) };
  if (drawn === 'asks') return { kind: 'plain', nonce, name: dice.random() < 0.02 ? 'router' : dice.pick(ASKS) };
  const base: ChatPlan = {
    kind: 'chat',
    nonce,
    fault: 'none',
    times: 0,
    chunks: dice.whole(2, 8),
    stream: dice.random() < 0.55,
    model: dice.weighted({ auto: 80, 'gpt-4o-mini': 8, 'mock/a': 7, 'plain/c': 5 }),
    behaviour: 'reads',
    usage: dice.random() < 0.3,
    followsUp: dice.random() < 0.4,
    leavesAfterMs: dice.whole(0, 12),
    thumb: dice.random() < 0.05 ? dice.pick(['up', 'down']) : null,
    session: dice.random() < 0.2 ? `session-${dice.whole(1, 500)}` : null,
  };
  const failing = dice.random() < 0.7 ? 1 : EVERY_ATTEMPT;
  if (drawn === 'early') return { ...base, fault: pickFault(dice, EARLY_FAULTS), times: failing };
  if (drawn === 'midway') return { ...base, fault: pickFault(dice, MIDWAY_FAULTS), times: failing };
  if (drawn === 'leavesBefore') return { ...base, fault: 'hold', times: EVERY_ATTEMPT, behaviour: 'leaves-before' };
  if (drawn === 'leavesMidway')
    return { ...base, stream: true, fault: 'hold-midway', times: EVERY_ATTEMPT, behaviour: 'leaves-midway' };
  if (drawn === 'leavesAnytime') {
    const fault = dice.random() < 0.7 ? 'paced' : pickFault(dice, [...EARLY_FAULTS, ...MIDWAY_FAULTS]);
    return { ...base, fault, times: failing, behaviour: 'leaves-anytime' };
  }
  if (drawn === 'pauses')
    return { ...base, fault: 'huge-many', times: EVERY_ATTEMPT, chunks: 12, stream: true, behaviour: 'pauses' };
  return { ...base, fault: pickFault(dice, ODDITIES), times: EVERY_ATTEMPT };
}

const pickFault = (dice: Dice, faults: readonly Fault[]): Fault =>
  dice.weighted(Object.fromEntries(faults.map((fault) => [fault, RARE[fault] ?? 1])) as Record<Fault, number>);

/** The messages of a chat, after the turns that went before. */
export function messagesOf(plan: ChatPlan, earlier: readonly object[]): object[] {
  const content = `${QUESTIONS[plan.nonce % QUESTIONS.length]} ${writeDirective(plan)}`;
  return [...earlier, { role: 'user', content }];
}

const QUESTIONS = [
  'Explain why the sky looks red in the evening.',
  'def solve(x): return x * 2 # what does this do?',
  'She bought 3 boxes for $4.50 each; how much did she pay?',
  'Bitte fasse den Text in zwei Sätzen zusammen: 日本語のテキスト 🌲.',
];
