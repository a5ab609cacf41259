/** Simulated people who use the gateway over HTTP like anybody: they ask, judge, ask again, go on, and leave. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Dice } from './dice.ts';
import { findModel, trueQuality } from './models.ts';
import { KIND_MIX, LANGUAGE_MIX, type Prompt, writeNext, writePrompt } from './prompts.ts';
import { PERSON_PREFIX, type Tally } from './tally.ts';

export interface TrafficOptions {
  /** The gateway's, without /v1. */
  url: string;
  dice: Dice;
  tally: Tally;
  /** Requests a second, over a longer time. */
  perSecond: number;
}

export interface Traffic {
  readonly inFlight: number;
  /** Hangs up on what is in flight. */
  stop(): Promise<void>;
}

interface Person {
  name: string;
  /** The chance of saying what an answer was like: far above real people's, so that a minute shows a day's learning. */
  thumbs: number;
  way: 'decision id' | 'completion id' | 'header';
  streams: boolean;
  /** Said with the next request. */
  unsaid: { thumb: 'up' | 'down'; decision: string } | null;
}

interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** One request that somebody is going to make. */
interface Turn {
  person: Person;
  prompt: Prompt;
  messages: readonly Message[];
  /** Times that the same was asked before. */
  repeats: number;
  /** The decision that this goes on from. */
  after: string | null;
}

interface Answer {
  text: string;
  completionId: string | null;
  whole: boolean;
}

const PEOPLE = 60;
const MOST_IN_FLIGHT = 200;
const MOST_REPEATS = 2;
const MOST_MESSAGES = 6;
/** People here think fast, so that there is something to see. */
const THINKING_MS = [300, 1500] as const;

const LEAVES = { content: 0.02, discontent: 0.15 };
const GOES_ON = 0.3;
const ASKS_AGAIN = 0.35;

export function startTraffic({ url, dice, tally, perSecond }: TrafficOptions): Traffic {
  const agent = new Agent({ connections: MOST_IN_FLIGHT });
  const leaving = new AbortController();
  const running = new Set<Promise<void>>();
  const people = Array.from({ length: PEOPLE }, (_, i) => newPerson(dice, i));
  const ready: Turn[] = [];
  const run = (work: Promise<void>): void => {
    const tracked = work
      .catch((error: unknown) => {
        if (!leaving.signal.aborted) tally.failed(error instanceof Error ? error.message : String(error));
      })
      .finally(() => running.delete(tracked));
    running.add(tracked);
  };
  let inFlight = 0;

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    request(url + path, {
      method: 'POST',
      dispatcher: agent,
      signal: leaving.signal,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });

  async function ask(turn: Turn): Promise<void> {
    const { person, prompt } = turn;
    const { unsaid } = person;
    person.unsaid = null;
    const response = await post(
      '/v1/chat/completions',
      {
        model: 'auto',
        messages: turn.messages,
        user: person.name,
        ...(person.streams && { stream: true }),
        ...(prompt.wantsJson && { response_format: { type: 'json_object' } }),
      },
      unsaid
        ? {
            'x-conduit-feedback': unsaid.thumb,
            // Who goes on with a conversation need not name the answer.
            ...(unsaid.decision !== turn.after && { 'x-conduit-decision': unsaid.decision }),
          }
        : {},
    );
    const model = findModel(String(response.headers['x-conduit-model']));
    const decision = response.headers['x-conduit-decision'];
    if (response.statusCode !== 200 || !model || typeof decision !== 'string') {
      tally.failed(`${response.statusCode} ${(await response.body.text()).slice(0, 200)}`);
      return;
    }
    if (unsaid) tally.reactions[unsaid.thumb]++;
    tally.served({ model, kind: prompt.kind, language: prompt.language });
    if (turn.repeats > 0) tally.reactions.regenerated++;
    else if (turn.after) tally.reactions.continued++;

    const content = dice.chance(trueQuality(model, prompt.kind, prompt.language));
    const leaves = person.streams && dice.chance(content ? LEAVES.content : LEAVES.discontent);
    const answer = await readAnswer(response.body, person.streams, leaves ? Math.ceil(dice.between(1, 6)) : null);
    if (!answer) {
      tally.reactions.left++;
      return;
    }
    if (!answer.whole) return tally.failed('an answer broke off');
    run(react(turn, answer, decision, content));
  }

  async function react(turn: Turn, answer: Answer, decision: string, content: boolean): Promise<void> {
    const { person, prompt } = turn;
    await sleep(dice.between(...THINKING_MS), undefined, { signal: leaving.signal });
    if (!content && turn.repeats < MOST_REPEATS && dice.chance(ASKS_AGAIN)) {
      ready.push({ ...turn, repeats: turn.repeats + 1 });
    } else if (content && turn.messages.length < MOST_MESSAGES && dice.chance(GOES_ON)) {
      const messages: Message[] = [
        ...turn.messages,
        { role: 'assistant', content: answer.text },
        { role: 'user', content: writeNext(dice, prompt.language) },
      ];
      ready.push({ person, prompt, messages, repeats: 0, after: decision });
    }
    if (!dice.chance(person.thumbs)) return;
    const thumb = content ? 'up' : 'down';
    if (person.way === 'header') {
      person.unsaid = { thumb, decision };
      return;
    }
    const { completionId } = answer;
    const about =
      person.way === 'completion id' && completionId ? { completion_id: completionId } : { decision_id: decision };
    const response = await post('/v1/feedback', { ...about, signal: 'thumbs', value: content ? 1 : 0 });
    const said = await response.body.text();
    if (response.statusCode === 200) tally.reactions[thumb]++;
    else tally.failed(`feedback: ${response.statusCode} ${said.slice(0, 200)}`);
  }

  const beginning = (): Turn => {
    const prompt = writePrompt(dice, dice.weighted(KIND_MIX), dice.weighted(LANGUAGE_MIX));
    const messages: Message[] = [{ role: 'user', content: prompt.text }];
    if (prompt.system !== null) messages.unshift({ role: 'system', content: prompt.system });
    return { person: dice.pick(people), prompt, messages, repeats: 0, after: null };
  };

  run(
    (async () => {
      let due = performance.now();
      while (!leaving.signal.aborted) {
        due += dice.exponential(1000 / perSecond);
        await sleep(Math.max(0, due - performance.now()), undefined, { signal: leaving.signal });
        // A machine that cannot keep up gets fewer requests, not a queue.
        if (inFlight >= MOST_IN_FLIGHT) continue;
        inFlight++;
        run(ask(ready.shift() ?? beginning()).finally(() => inFlight--));
      }
    })(),
  );

  return {
    get inFlight() {
      return inFlight;
    },
    async stop() {
      leaving.abort();
      await Promise.allSettled(running);
      await agent.destroy();
    },
  };
}

function newPerson(dice: Dice, number: number): Person {
  return {
    name: `${PERSON_PREFIX}${number}`,
    thumbs: dice.between(0.6, 0.9),
    way: dice.weighted({ 'decision id': 2, 'completion id': 1, header: 1 }),
    streams: dice.chance(0.85),
    unsaid: null,
  };
}

/** Reads an answer, or at most so many pieces of it and then hangs up: null when it hung up. */
async function readAnswer(
  body: AsyncIterable<Uint8Array>,
  streamed: boolean,
  leaveAfter: number | null,
): Promise<Answer | null> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) {
    pieces.push(piece);
    if (pieces.length === leaveAfter) return null;
  }
  const text = Buffer.concat(pieces).toString('utf8');
  return streamed ? fromStream(text) : fromWhole(text);
}

interface Completion {
  id?: string;
  choices?: { message?: { content?: string }; delta?: { content?: string } }[];
}

function fromWhole(text: string): Answer {
  const { id, choices } = JSON.parse(text) as Completion;
  return { text: choices?.[0]?.message?.content ?? '', completionId: id ?? null, whole: true };
}

function fromStream(text: string): Answer {
  const events = text.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []));
  const whole = events.pop() === '[DONE]';
  const chunks = events.map((event) => JSON.parse(event) as Completion);
  const words = chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? '');
  return { text: words.join(''), completionId: chunks[0]?.id ?? null, whole };
}
