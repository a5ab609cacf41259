/** What a request asks of Durable Objects, call by call: each is paid for, and a request may make so many. */
import { expect, test } from 'vitest';
import { goingOn, type Isolate, newIsolate, question } from '../support/isolate.ts';
import { newObjects, noted } from './objects.ts';

/** Routers `auto`, `r1` and so on. `keys`: lines of the config. */
function prepare(routers: number, keys = '') {
  const { objects, taken } = noted(newObjects());
  const names = ['auto', ...Array.from({ length: routers - 1 }, (_, i) => `r${i + 1}`)];
  const CONDUIT_CONFIG_TEXT = `
server: { secret: s }
providers: { fake: { base_url: "https://upstream.example/v1", api_key: "sk-provider" } }
models: [{ id: fake/good, price: { input: 1, output: 2 } }, { id: fake/bad, price: { input: 1, output: 2 } }]
routers: { ${names.map((name) => `${name}: { models: [fake/good, fake/bad] }`).join(', ')} }
stores: { state: durable-object }
${keys}
`;
  return {
    start: (): Isolate => newIsolate({ CONDUIT_CONFIG_TEXT, CONDUIT_STATE: objects }),
    taken,
    /** What was asked, once all that was left to be done has been done. */
    async asked(isolate: Isolate): Promise<string[]> {
      await isolate.settled();
      return taken();
    },
  };
}

const lookUps = (calls: readonly string[]): string[] => calls.filter((call) => call.endsWith(' lookUp'));
/** Until nothing waits for its second any more. */
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 1_200));

test.each([1, 4, 8])('with %i routers a request asks for one of them', async (routers) => {
  const { start, asked } = prepare(routers);
  const [one, other] = [start(), start()];
  const { text } = await one.ask(question(1));
  expect((await asked(one)).length).toBeLessThanOrEqual(9);
  await aMoment();
  await one.ask(question(2));
  expect((await asked(one)).length).toBeLessThanOrEqual(6);
  await other.ask(question(3));
  expect((await asked(other)).length).toBeLessThanOrEqual(8);
  await aMoment();
  // Another isolate answered, and the router's own object has it.
  const { id } = await other.ask(goingOn(question(1), text, question(4)));
  const calls = await asked(other);
  expect(lookUps(calls)).toEqual(['router:auto lookUp']);
  expect(calls.length).toBeLessThanOrEqual(8);
  expect((await other.decision(id)).conversation.turn).toBe(1);
  await asked(other);
  await other.rate(id, 1);
  expect((await asked(other)).length).toBeLessThanOrEqual(4);
});

test('a conversation that an isolate answered itself is found before anything is asked', async () => {
  const { start, asked, taken } = prepare(4);
  const isolate = start();
  const { text } = await isolate.ask(question(1));
  await asked(isolate);
  const going = isolate.call('chat/completions', { model: 'auto', messages: goingOn(question(1), text, question(2)) });
  // Whether the same was asked elsewhere is found out behind it.
  const { id } = await going.then(async (response) => {
    await response.text();
    return { id: response.headers.get('x-conduit-decision') as string };
  });
  expect(lookUps(await asked(isolate))).toEqual(['router:auto lookUp']);
  expect((await isolate.decision(id)).conversation.turn).toBe(1);
  expect((await isolate.router()).look_ups).toMatchObject({ cached: 1, found: 0, late: 0, hit_rate: 1 });
  taken();
});

test('what nobody knows is looked for in every log that the key may have asked', async () => {
  const keys = 'keys: [{ name: all, key: all }, { name: one, key: one, routers: [auto] }]';
  const { start, asked } = prepare(3, keys);
  const isolate = start();
  const messages = goingOn(question(1), 'Nobody said so.', question(2));
  const logsAskedFor = async (key: string) => {
    const headers = { authorization: `Bearer ${key}` };
    await (await isolate.call('chat/completions', { model: 'auto', messages }, headers)).text();
    return lookUps(await asked(isolate));
  };
  expect(await logsAskedFor('all')).toEqual([
    'router:auto lookUp',
    'router: lookUp',
    'router:r1 lookUp',
    'router:r2 lookUp',
  ]);
  expect(await logsAskedFor('one')).toEqual(['router:auto lookUp', 'router: lookUp']);
});

test('a conversation that began with another router, or with a model by its name, is found all the same', async () => {
  const { start, asked } = prepare(3);
  for (const model of ['r2', 'fake/good']) {
    const [one, other] = [start(), start()];
    const begun = question(20 + model.length);
    const { text } = await one.ask(begun, { model });
    await asked(one);
    const { id } = await other.ask(goingOn(begun, text, question(50)));
    await asked(other);
    expect((await other.decision(id)).conversation.turn).toBe(1);
  }
});
