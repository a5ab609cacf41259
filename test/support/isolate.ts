/** An isolate that starts, as the tests inside workerd have it: an app of its own, each call to it a request of its own. */
import { expect } from 'vitest';
import { currentScope, runInScope } from '../../src/edge/scope.ts';
import {
  createWorkerApp,
  type NearCache,
  type OpenWorker,
  openWorker,
  secretOf,
  type WorkerApp,
  type WorkerEnvironment,
} from '../../src/worker.ts';
import { request } from './edge-redis-store.ts';

/** Two models that are asked without regard to the conversation; `state` is where what is learned is kept. */
export const learningConfig = (state: string): string => `
server: { secret: s }
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models:
  - { id: fake/good, price: { input: 1, output: 2 } }
  - { id: fake/bad, price: { input: 1, output: 2 } }
routers: { auto: { models: [fake/good, fake/bad], sticky: none } }
stores: { state: "${state}" }
`;

/** A provider whose models say who they are. */
const upstream = async (_url: unknown, init?: RequestInit): Promise<Response> => {
  const { model } = (await new Response(init?.body).json()) as { model: string };
  return Response.json({
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: `This is ${model}.` }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
};

export interface Isolate {
  /** Resolves once all that its requests left to be done has been done. */
  settled(): Promise<void>;
  call(path: string, body?: object, headers?: Record<string, string>): Promise<Response>;
  ask(messages: readonly object[], more?: object): Promise<{ id: string; model: string; text: string }>;
  rate(id: string, value: number): Promise<{ status: string }>;
  decision(id: string): Promise<{ reward: number | null; conversation: { turn: number } }>;
  router(name?: string): Promise<{ labels: number; look_ups: Record<string, number | null> }>;
}

export function newIsolate(environment: WorkerEnvironment, cache?: NearCache, askAgainMs?: number): Isolate {
  const ends: (() => Promise<void>)[] = [];
  // In its first request, as an isolate makes it.
  let opened: OpenWorker | undefined;
  let worker: WorkerApp | undefined;
  const call: Isolate['call'] = (path, body, headers = {}) => {
    const { scope, ended } = request();
    ends.push(ended);
    return runInScope(scope, async () => {
      opened ??= openWorker(environment);
      worker ??= createWorkerApp(opened, {
        secret: await secretOf(opened),
        ...(askAgainMs !== undefined && { askAgainMs }),
        fetch: upstream as typeof globalThis.fetch,
        defer: (work) => currentScope()?.waitUntil(work),
        ...(cache && { cache }),
      });
      return worker.fetch(
        new Request(`https://conduit.example/v1/${path}`, {
          method: body ? 'POST' : 'GET',
          headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
          ...(body && { body: JSON.stringify(body) }),
        }),
      );
    });
  };
  const read = async (path: string, body?: object) => (await call(path, body)).json();
  return {
    async settled() {
      for (let end = ends.shift(); end; end = ends.shift()) await end();
    },
    call,
    async ask(messages, more = {}) {
      const response = await call('chat/completions', { model: 'auto', messages, ...more });
      expect(response.status).toBe(200);
      const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
      return {
        id: response.headers.get('x-conduit-decision') as string,
        model: response.headers.get('x-conduit-model') as string,
        text: choices[0]?.message.content as string,
      };
    },
    rate: (id, value) => read('feedback', { decision_id: id, signal: 'thumbs', value }) as ReturnType<Isolate['rate']>,
    decision: (id) => read(`decisions/${id}`) as ReturnType<Isolate['decision']>,
    router: (name = 'auto') => read(`routers/${name}`) as ReturnType<Isolate['router']>,
  };
}

export const question = (i: number) => [{ role: 'user', content: `What is number ${i} called?` }];

/** What it goes on with, behind that answer. */
export const goingOn = (asked: readonly object[], answer: string, next: readonly object[]): object[] => [
  ...asked,
  { role: 'assistant', content: answer },
  ...next,
];

/** The isolate asks, and is told each time that one of the two models is good and the other is not. */
export async function teach(isolate: Isolate): Promise<void> {
  const answers = [];
  for (let i = 0; i < 40; i++) answers.push(await isolate.ask(question(i)));
  for (const { id, model } of answers) {
    expect(await isolate.rate(id, model === 'fake/good' ? 1 : 0)).toMatchObject({ status: 'recorded' });
  }
  await isolate.settled();
  expect((await isolate.router()).labels).toBe(40);
}

/** An isolate that has answered nothing yet knows what another was taught, and goes by it. */
export async function expectTaught(isolate: Isolate): Promise<void> {
  expect((await isolate.router()).labels).toBe(40);
  let good = 0;
  for (let i = 0; i < 40; i++) if ((await isolate.ask(question(100 + i))).model === 'fake/good') good++;
  await isolate.settled();
  expect(good).toBeGreaterThan(28);
}

/** An answer of the one is rated, followed up and explained by the other. */
export async function expectSharedAnswers(one: Isolate, other: Isolate): Promise<void> {
  const { id, text } = await one.ask(question(1));
  await one.settled();
  expect(await other.rate(id, 1)).toMatchObject({ status: 'recorded' });
  expect((await one.decision(id)).reward).toBe(1);
  const going = await other.ask(goingOn(question(1), text, question(2)));
  await other.settled();
  expect((await one.decision(going.id)).conversation.turn).toBe(1);
  expect((await other.call('routers/auto/report')).status).toBe(200);
}
