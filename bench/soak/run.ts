/** Keeps a number of clients busy until enough has been asked, and notes how each request ended. */
import type { OutcomeKind } from '../../src/upstream/outcome.ts';
import { createDice } from '../dice.ts';
import { allowedFor } from './allowed.ts';
import { type Answer, type Client, createClient, jsonOf } from './ask.ts';
import { type ChatPlan, drawPlan, type FeedbackPlan, messagesOf, PLAIN, type PlainRequest, type Plan } from './plan.ts';
import { KEYS } from './processes.ts';

export interface Failure {
  nonce: number;
  /** The request in short. */
  what: string;
  why: string;
}

export interface Settled {
  kind: OutcomeKind;
  costUsd: number;
  /** Whether the learner was told of it. */
  taught: boolean;
}

export interface Notes {
  asked: number;
  ended: number;
  /** How often each kind of request ended in each way. */
  endings: Map<string, Map<string, number>>;
  failures: Failure[];
  failed: number;
  /** What `GET /v1/decisions/{id}` says of each answer, by its decision. */
  decisions: Map<string, Settled>;
  /** Requests that were routed while their client left before it learned the decision. */
  leftUnnamed: number;
  slowest: { ms: number; what: string };
}

const MAX_FAILURES = 100;
/** A decision is settled behind its answer's last byte: asked for until then, but no longer than this. */
const SETTLE_MS = 10_000;
const MAX_TURNS = 5;

export interface RunOptions {
  port: number;
  connections: number;
  seed: number;
  /** Whether another request shall be sent. */
  goesOn: (asked: number) => boolean;
  /** Called behind each request. */
  onEnded: (notes: Notes) => void;
}

export function emptyNotes(): Notes {
  return {
    asked: 0,
    ended: 0,
    endings: new Map(),
    failures: [],
    failed: 0,
    decisions: new Map(),
    leftUnnamed: 0,
    slowest: { ms: 0, what: '' },
  };
}

export async function run(options: RunOptions, notes: Notes): Promise<void> {
  const work = async (): Promise<void> => {
    const person = createPerson(options.port, notes);
    while (options.goesOn(notes.asked)) {
      const nonce = ++notes.asked;
      // Dice of its own for each request, so that its number and the seed say what it was, however the clients raced.
      const dice = createDice(options.seed * 1_000_003 + nonce);
      await person.send(drawPlan(nonce, dice));
      notes.ended++;
      options.onEnded(notes);
    }
    person.close();
  };
  await Promise.all(Array.from({ length: options.connections }, work));
}

interface Person {
  send(plan: Plan): Promise<void>;
  close(): void;
}

/** One client with its conversation and its last answer. */
function createPerson(port: number, notes: Notes): Person {
  const client = createClient(port);
  let turns: object[] = [];
  let rated: { decision: string; value: number | null; key: string } | null = null;

  const chat = async (plan: ChatPlan): Promise<void> => {
    if (!plan.followsUp || turns.length > 2 * MAX_TURNS) turns = [];
    const messages = messagesOf(plan, turns);
    const body = JSON.stringify({
      model: plan.model,
      messages,
      ...(plan.stream && { stream: true, ...(plan.usage && { stream_options: { include_usage: true } }) }),
    });
    const answer = await client.chat(plan, body, {
      authorization: `Bearer ${KEYS.user}`,
      ...(plan.session !== null && { 'x-conduit-session': plan.session }),
      ...(plan.thumb !== null && rated && { 'x-conduit-feedback': plan.thumb, 'x-conduit-decision': rated.decision }),
    });
    const allowed = allowedFor(plan);
    count(notes, labelOf(plan), answer);
    if (answer.wrong !== null) return note(notes, plan, answer.wrong);
    const { ending } = answer;
    if (!allowed.endings.includes(ending))
      note(notes, plan, `ended ${ending} (${answer.head?.status}): ${answer.body.slice(0, 200)}`);
    if (ending === 'error' && answer.head?.status !== allowed.status)
      note(notes, plan, `status ${answer.head?.status} instead of ${allowed.status}: ${answer.body.slice(0, 200)}`);
    if (answer.head?.status === 429 && !answer.head.headers.has('retry-after'))
      note(notes, plan, '429 without retry-after');
    const decision = answer.head?.headers.get('x-conduit-decision');
    if (decision === undefined) {
      notes.leftUnnamed++;
      return;
    }
    await settle(client, plan, decision, allowed.outcomes, notes);
    if (ending !== 'whole') return;
    if (plan.fault !== 'huge' && plan.fault !== 'huge-many')
      turns = [...messages, { role: 'assistant', content: answer.text }];
    else turns = [];
    rated = { decision, value: null, key: `idempotent-${plan.nonce}` };
  };

  const feedback = async (plan: FeedbackPlan): Promise<void> => {
    const about = rated;
    const { request, expected } = feedbackRequest(plan, about);
    const answer = await client.ask(request, KEYS.user);
    count(notes, `feedback ${plan.feedback}`, answer);
    if (answer.wrong !== null) return note(notes, plan, answer.wrong);
    if (expected === null) return;
    const { status } = jsonOf(answer.body) as { status?: string };
    if (status !== expected) note(notes, plan, `feedback ${status} instead of ${expected}`);
  };

  /** What to send, and which status it must have by what this client said before. */
  const feedbackRequest = (
    { feedback: kind, nonce }: FeedbackPlan,
    about: typeof rated,
  ): { request: PlainRequest; expected: string | null } => {
    const post = (body: object, status: number): PlainRequest => ({
      method: 'POST',
      path: '/v1/feedback',
      key: 'user',
      body: JSON.stringify(body),
      status,
    });
    const unknown = 'dec_7fffffffffff00000000000000000000';
    if (kind === 'invalid')
      return {
        request: post({ decision_id: about?.decision ?? unknown, signal: 'rating', value: 9 }, 400),
        expected: null,
      };
    if (kind === 'unknown' || about === null)
      return { request: post({ decision_id: unknown, signal: 'thumbs', value: 1 }, 404), expected: null };
    const before = about.value;
    const value = kind === 'again' && before !== null ? before : ((nonce % 97) + 1) / 100;
    const expected = before === null ? 'recorded' : before === value ? 'duplicate' : 'revised';
    about.value = value;
    const again = expected === 'duplicate' ? { idempotency_key: about.key } : {};
    return { request: post({ decision_id: about.decision, signal: 'score', value, ...again }, 200), expected };
  };

  return {
    async send(plan) {
      const startedAt = performance.now();
      if (plan.kind === 'chat') await chat(plan);
      else if (plan.kind === 'feedback') await feedback(plan);
      else {
        const request: PlainRequest = PLAIN[plan.name];
        const answer = await client.ask(request, request.key && KEYS[request.key]);
        count(notes, plan.name, answer);
        if (answer.wrong !== null) note(notes, plan, answer.wrong);
      }
      const ms = performance.now() - startedAt;
      if (ms > notes.slowest.ms) notes.slowest = { ms, what: JSON.stringify(plan) };
    },
    close: client.close,
  };
}

interface DecisionView {
  outcome: { kind: OutcomeKind; completion_tokens: number | null; cost_usd: number } | null;
  attempts: { outcome: OutcomeKind }[];
  router: string | null;
}

/** Asks for the decision until it has its one outcome, and holds it against what may have become of the request. */
async function settle(
  client: Client,
  plan: ChatPlan,
  id: string,
  allowed: readonly OutcomeKind[],
  notes: Notes,
): Promise<void> {
  if (notes.decisions.has(id)) return note(notes, plan, `the decision ${id} answers a second request`);
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const answer = await client.ask(
      { method: 'GET', path: `/v1/decisions/${id}`, key: 'admin', body: null, status: 200 },
      KEYS.admin,
    );
    if (answer.wrong !== null) return note(notes, plan, `its decision: ${answer.wrong}`);
    const { outcome, attempts, router } = JSON.parse(answer.body) as DecisionView;
    if (outcome === null) {
      if (performance.now() > until) return note(notes, plan, `no outcome after ${SETTLE_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const taught = router !== null && outcome.completion_tokens !== null;
    notes.decisions.set(id, { kind: outcome.kind, costUsd: outcome.cost_usd, taught });
    if (!allowed.includes(outcome.kind))
      note(notes, plan, `outcome ${outcome.kind} instead of ${allowed.join(' or ')}`);
    if (attempts.at(-1)?.outcome !== outcome.kind)
      note(notes, plan, `outcome ${outcome.kind}, last attempt ${attempts.at(-1)?.outcome}`);
    if (attempts.slice(0, -1).some((attempt) => attempt.outcome === 'completed' || attempt.outcome === 'client_abort'))
      note(notes, plan, `went on after ${attempts.map((attempt) => attempt.outcome).join(', ')}`);
    return;
  }
}

function labelOf({ stream, fault, behaviour, times }: ChatPlan): string {
  const part = behaviour === 'reads' ? '' : `, ${behaviour}`;
  const how = times > 0 && times < 99 ? ' once' : '';
  return `${stream ? 'stream' : 'json'} ${fault}${how}${part}`;
}

function count(notes: Notes, label: string, { ending, head }: Answer): void {
  const ways = notes.endings.get(label) ?? new Map<string, number>();
  notes.endings.set(label, ways);
  const way = ending === 'error' ? `error ${head?.status}` : ending;
  ways.set(way, (ways.get(way) ?? 0) + 1);
}

function note(notes: Notes, plan: Plan, why: string): void {
  notes.failed++;
  if (notes.failures.length < MAX_FAILURES) notes.failures.push({ nonce: plan.nonce, what: JSON.stringify(plan), why });
}
