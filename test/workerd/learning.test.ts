/** Learning at the edge: apps over the same Durable Objects, each as an isolate of its own has it. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import { openWorker, secretOf } from '../../src/worker.ts';
import { goingOn, type Isolate, learningConfig, newIsolate, question } from '../support/isolate.ts';
import { newObjects } from './objects.ts';

const CONFIG = learningConfig('durable-object');
const isolateOf = (objects: StateObjects): Isolate =>
  newIsolate({ CONDUIT_CONFIG_TEXT: CONFIG, CONDUIT_STATE: objects });

test('what one isolate has learned the next one knows with its first request, and goes by', async () => {
  const objects = newObjects();
  const first = isolateOf(objects);
  const answers = [];
  for (let i = 0; i < 40; i++) answers.push(await first.ask(question(i)));
  for (const { id, model } of answers) {
    expect(await first.rate(id, model === 'fake/good' ? 1 : 0)).toMatchObject({ status: 'recorded' });
  }
  await first.settled();
  expect((await first.router()).labels).toBe(40);

  // From the log alone, and then from the snapshot that the object has made of it.
  expect((await isolateOf(objects).router()).labels).toBe(40);
  expect(await runDurableObjectAlarm(objects.getByName('router:auto'))).toBe(true);
  await evictDurableObject(objects.getByName('router:auto'));
  const next = isolateOf(objects);
  expect((await next.router()).labels).toBe(40);
  let good = 0;
  for (let i = 0; i < 40; i++) if ((await next.ask(question(100 + i))).model === 'fake/good') good++;
  await next.settled();
  expect(good).toBeGreaterThan(28);
}, 15_000);

test('an answer of one isolate is rated, followed up and explained by another', async () => {
  const objects = newObjects();
  const [one, other] = [isolateOf(objects), isolateOf(objects)];
  const { id, text } = await one.ask(question(1));
  await one.settled();
  expect(await other.rate(id, 1)).toMatchObject({ status: 'recorded' });
  expect((await one.decision(id)).reward).toBe(1);
  const going = await other.ask(goingOn(question(1), text, question(2)));
  await other.settled();
  expect((await one.decision(going.id)).conversation.turn).toBe(1);
  expect((await other.call('routers/auto/report')).status).toBe(200);
});

test('without a secret in the config isolates agree on one, and know each other’s conversations', async () => {
  const objects = newObjects();
  const environment = {
    CONDUIT_CONFIG_TEXT: CONFIG.replace('server: { secret: s }', ''),
    CONDUIT_STATE: objects,
  };
  expect(await secretOf(openWorker(environment))).toMatch(/^[0-9a-f]{64}$/);
  const [one, other] = [newIsolate(environment), newIsolate(environment)];
  const { text } = await one.ask(question(1));
  await one.settled();
  const { id } = await other.ask(goingOn(question(1), text, question(2)));
  await other.settled();
  expect((await one.decision(id)).conversation.turn).toBe(1);
});

test('what others learn meanwhile is known a little after a request', async () => {
  const objects = newObjects();
  const [one, other] = [isolateOf(objects), isolateOf(objects)];
  await other.router();
  const { id } = await one.ask(question(1));
  await one.settled();
  await one.rate(id, 1);
  await one.settled();
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await other.router();
  await other.settled();
  expect((await other.router()).labels).toBe(1);
}, 15_000);

test('without its objects an isolate still answers', async () => {
  const gone = async () => {
    throw new Error('the object is gone');
  };
  const objects = { getByName: () => new Proxy({}, { get: () => gone }) } as unknown as StateObjects;
  const isolate = isolateOf(objects);
  expect((await isolate.ask(question(1))).text).toMatch(/^This is /);
});

test('a Worker without the binding says what is missing', () => {
  expect(() => openWorker({ CONDUIT_CONFIG_TEXT: CONFIG })).toThrow(
    'stores.state: the Worker has no Durable Object (allowed: a binding CONDUIT_STATE of ConduitState)',
  );
});
