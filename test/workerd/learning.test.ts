/** Learning at the edge: apps over the same Durable Objects, each as an isolate of its own has it. */
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { expect, test } from 'vitest';
import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';
import { LOG_START } from '../../src/stores/ports.ts';
import { openWorker, secretOf } from '../../src/worker.ts';
import {
  expectSharedAnswers,
  expectTaught,
  goingOn,
  type Isolate,
  learningConfig,
  newIsolate,
  question,
  teach,
} from '../support/isolate.ts';
import { newObjects, storeOver } from './objects.ts';

const CONFIG = learningConfig('durable-object');
/** Objects that cannot be reached. */
const gone = {
  getByName: () => new Proxy({}, { get: () => () => Promise.reject(new Error('the object is gone')) }),
} as unknown as StateObjects;
const isolateOf = (objects: StateObjects): Isolate =>
  newIsolate({ CONDUIT_CONFIG_TEXT: CONFIG, CONDUIT_STATE: objects });

test('what one isolate has learned the next one knows with its first request, and goes by', async () => {
  const objects = newObjects();
  await teach(isolateOf(objects));

  // From the log alone, and then from the snapshot that the object has made of it.
  expect((await isolateOf(objects).router()).labels).toBe(40);
  expect(await runDurableObjectAlarm(objects.getByName('router:auto'))).toBe(true);
  await evictDurableObject(objects.getByName('router:auto'));
  await expectTaught(isolateOf(objects));
}, 15_000);

test('an answer of one isolate is rated, followed up and explained by another', async () => {
  const objects = newObjects();
  await expectSharedAnswers(isolateOf(objects), isolateOf(objects));
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

test('an isolate that began without the secret that all share has it once the state can be asked again', async () => {
  const objects = newObjects();
  let away = true;
  const sometimes: StateObjects = { getByName: (name) => (away ? gone : objects).getByName(name) };
  const text = CONFIG.replace('server: { secret: s }', '');
  const one = newIsolate({ CONDUIT_CONFIG_TEXT: text, CONDUIT_STATE: objects });
  const other = newIsolate({ CONDUIT_CONFIG_TEXT: text, CONDUIT_STATE: sometimes }, undefined, 0);
  const { text: answer } = await one.ask(question(1));
  await one.settled();
  expect((await other.ask(question(100))).text).toMatch(/^This is /);
  away = false;
  // Behind this one it asks.
  await other.ask(question(101));
  await other.settled();
  const { id } = await other.ask(goingOn(question(1), answer, question(2)));
  await other.settled();
  expect((await one.decision(id)).conversation.turn).toBe(1);
}, 30_000);

test('what others learn meanwhile an isolate looks for with a request some seconds later, and goes by soon', async () => {
  const objects = newObjects();
  const [one, other] = [isolateOf(objects), isolateOf(objects)];
  const { id } = await one.ask(question(1));
  await one.settled();
  // With its first request it catches up.
  await other.decision(id);
  await other.settled();
  await one.rate(id, 1);
  await one.settled();
  const { cursor } = await storeOver(objects).readSince('auto', LOG_START, 100);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  // This adds nothing to the log, and asks for nothing of what was learned: it looks all the same.
  await other.decision(id);
  await other.settled();
  // A request derives a part of it alone, and the next one the rest.
  await other.ask(question(2));
  await other.settled();
  const next = await other.ask(question(3));
  const { draw } = (await (await other.call(`decisions/${next.id}`)).json()) as { draw: { cursor: string } };
  expect(draw.cursor).toBe(cursor);
}, 15_000);

test('without its objects an isolate still answers', async () => {
  const isolate = isolateOf(gone);
  expect((await isolate.ask(question(1))).text).toMatch(/^This is /);
});

test('a Worker without the binding says what is missing', () => {
  expect(() => openWorker({ CONDUIT_CONFIG_TEXT: CONFIG })).toThrow(
    'stores.state: the Worker has no Durable Object (allowed: a binding CONDUIT_STATE of ConduitState)',
  );
});
