/** What a request says of earlier answers, with a clock that can be set and stores that fail. */
import { beforeEach, describe, expect, test } from 'vitest';
import { PENDING, SILENCE, UNCLEAR } from '../../src/bandit/evidence.ts';
import { SILENCE_MS } from '../../src/bandit/fold.ts';
import { FIRST } from '../../src/routing/follow-ups.ts';
import { explained } from '../../src/routing/label.ts';
import type { Message } from '../../src/routing/lineage.ts';
import { NEXT, type Next, type SignalName } from '../../src/signals/signs.ts';
import type { DecisionRecord } from '../../src/stores/decision-record.ts';
import { createMemoryStore } from '../../src/stores/memory.ts';
import { LOG_START, type StateStore } from '../../src/stores/ports.ts';
import { ANN, assistant, NOBODY, type Replica, replicaOf, TOOK_MS, user } from './replica.ts';
import { type TestRuntime, testRuntime } from './runtime.ts';

const MINUTE = 60_000;
const LEARNING = { policy: 'linear-thompson', signalsOff: new Set<SignalName>() } as const;
const ASKED = [user('What is the capital of Australia, and since when?')];
const SAID = 'Canberra, since 1913.';

let runtime: TestRuntime;
let state: StateStore;
let replica: Replica;
beforeEach(() => {
  runtime = testRuntime();
  state = createMemoryStore({ now: runtime.now });
  replica = replicaOf(state, runtime);
});

const kept = async (id: string): Promise<DecisionRecord> => (await state.recall(id)) as DecisionRecord;
const nextOf = async (id: string): Promise<Next> => NEXT[(await kept(id)).label.next] as Next;
const signalsOf = async (id: string): Promise<string[]> => (await kept(id)).signals.map(({ signal }) => signal);
/** What it is worth by now, as somebody is told who asks. */
const toldOf = async (id: string) => explained(await kept(id), replica.learner.calibration(), runtime.time);

describe('asking the same again', () => {
  test('is a verdict on the answer within ten minutes of it, and no longer', async () => {
    const first = await replica.exchange(ASKED, SAID);
    runtime.time += 10 * MINUTE;
    const second = await replica.exchange(ASKED, 'Sydney.');
    expect(await nextOf(first)).toBe('regenerated');
    expect(await kept(second)).toMatchObject({ turn: 1, retry: 1 });
    runtime.time += 10 * MINUTE + 1;
    const third = await replica.exchange(ASKED, SAID);
    expect(await nextOf(second)).toBe('pending');
    expect(await kept(third)).toMatchObject({ turn: 0, retry: 0 });
  });

  test('is none where the client says that it sends the same once more by itself', async () => {
    const first = await replica.exchange(ASKED, SAID);
    const again = await replica.ask(ASKED, ANN, true);
    expect(replica.followUps.refusedArm(again.asked, again.found, LEARNING)).toBe(null);
    await replica.answer(again, SAID);
    expect(await signalsOf(first)).toEqual(['retried']);
    expect(await nextOf(first)).toBe('unclear');
  });

  test('while the first answer is on its way is none, of either, before the first is kept', async () => {
    const first = await replica.ask(ASKED);
    const second = await replica.ask(ASKED);
    expect((await second.standing).noVerdict).toBe('fan_out');
    await replica.answer(second, SAID);
    await replica.answer(first, SAID);
    for (const { id } of [first, second]) {
      expect(await signalsOf(id)).toEqual(['fan_out']);
      expect(await nextOf(id)).toBe('unclear');
      expect((await kept(id)).version).toBe(1);
    }
  });

  test('is no template’s verdict: what was taken for refused is taken back where it is asked too often', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push(await replica.exchange(ASKED, `${SAID} ${i}`));
      runtime.time += MINUTE;
      if (i === 3) expect(await nextOf(ids[2] as string)).toBe('regenerated');
    }
    expect(await Promise.all(ids.map(nextOf))).toEqual(Array(5).fill('unclear'));
    expect(await signalsOf(ids[0] as string)).toEqual(['template']);
  });

  test('counts for a quarter where nobody is named', async () => {
    const named = await replica.exchange(ASKED, SAID, ANN);
    await replica.exchange(ASKED, SAID, ANN);
    const unnamed = await replica.exchange(ASKED, SAID, NOBODY);
    await replica.exchange(ASKED, SAID, NOBODY);
    expect([await nextOf(named), await nextOf(unnamed)]).toEqual(['regenerated', 'regenerated']);
    expect((await kept(named)).label.share).toBe(1);
    expect((await kept(unnamed)).label.share).toBe(0.25);
  });
});

describe('wording the question anew', () => {
  const worded = (which: string) => [
    user(`Write a short letter to the ${which} about the noise in our street at night.`),
  ];

  test('is a verdict on the answer to it', async () => {
    const first = await replica.exchange(worded('mayor'), 'Dear mayor, …');
    const second = await replica.exchange(worded('major'), 'Dear major, …');
    expect(await nextOf(first)).toBe('rephrased');
    expect(await kept(second)).toMatchObject({ turn: 1, retry: 1 });
  });

  test('so often that it is a template is none, and those before are taken back', async () => {
    const ids: string[] = [];
    for (const which of ['mayor', 'major', 'minor', 'manor', 'motor'])
      ids.push(await replica.exchange(worded(which), `Dear ${which}, …`));
    const nexts = await Promise.all(ids.map(nextOf));
    expect(nexts.slice(0, 2)).toEqual(['unclear', 'unclear']);
    expect(nexts).not.toContain('rephrased');
  });
});

describe('strangers with one key who begin alike', () => {
  const hello = [user('Hello there, can you help me with my homework?')];
  const goesOn = (i: number) => [
    ...hello,
    assistant(`Sure, ${i}.`),
    user(`Thanks! Now about chapter ${i}, who wrote it?`),
  ];

  test('take nothing from one another: what each goes on from stays that, and counts in full', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 12; i++) {
      ids.push(await replica.exchange(hello, `Sure, ${i}.`, NOBODY));
      await replica.exchange(goesOn(i), 'Somebody.', NOBODY);
      runtime.time += MINUTE / 3;
    }
    for (const id of ids) {
      expect(await nextOf(id)).toBe('continued');
      expect((await kept(id)).label.share).toBe(1);
    }
  });

  test('do so behind a greeting that all get, too', async () => {
    const greeted = [assistant('Hi! How can I help?'), user('How do I reset my password?')];
    const first = await replica.exchange(greeted, 'In the settings.', NOBODY);
    const again = await replica.ask(greeted, NOBODY);
    await replica.answer(again, 'In the settings.');
    expect(await kept(first)).toMatchObject({ label: { share: 0.25 } });
  });
});

describe('the arm that was refused', () => {
  test('is avoided by who asks again, and by no policy that does not learn, no agent’s step and no program', async () => {
    const refusedBy = async (
      messages: readonly Message[],
      router: Parameters<typeof replica.followUps.refusedArm>[2],
    ) => {
      const { asked, found } = await replica.ask(messages);
      return replica.followUps.refusedArm(asked, found, router);
    };
    await replica.exchange(ASKED, SAID);
    expect(await refusedBy(ASKED, LEARNING)).toBe('fake/small');
    expect(await refusedBy(ASKED, { ...LEARNING, policy: 'cheapest' })).toBe(null);
    expect(await refusedBy(ASKED, { ...LEARNING, signalsOff: new Set(['regenerated'] as const) })).toBe(null);
    const step = [...ASKED, assistant(''), { role: 'tool', tool_call_id: 'call_1', content: '42' }];
    await replica.exchange(step, SAID);
    expect(await refusedBy(step, LEARNING)).toBe(null);
    for (let i = 0; i < 5; i++) await replica.exchange([user('ping')], 'pong');
    expect(await refusedBy([user('ping')], LEARNING)).toBe(null);
  });
});

test('what is kept under a surer name goes before what is on its way under a less sure one', async () => {
  const one = await replica.ask(ASKED);
  const other = await replica.ask(ASKED);
  await replica.answer(one, 'Canberra.');
  await replica.exchange(
    [...ASKED, assistant('Canberra.'), user('Who designed it, and when was it built?')],
    'Two people.',
  );
  expect(await signalsOf(one.id)).toEqual(['continued']);
  await replica.answer(other, 'Sydney.');
  expect(await nextOf(other.id)).toBe('unclear');
});

describe('silence', () => {
  test('is told of after half an hour, and is gone where something follows after all', async () => {
    const id = await replica.exchange(ASKED, SAID);
    const made = (await kept(id)).created;
    runtime.time = made + SILENCE_MS - 1;
    expect((await toldOf(id)).signals).toEqual([]);
    runtime.time = made + SILENCE_MS;
    expect((await toldOf(id)).signals).toMatchObject([{ signal: 'silence', source: 'implicit', at: runtime.time }]);
    await replica.exchange([...ASKED, assistant(SAID), user('And how many people live there?')], 'Some 470,000.');
    expect((await toldOf(id)).signals.map(({ signal }) => signal)).toEqual(['continued']);
  });

  test('teaches once half an hour has passed, whether or not anybody asks', async () => {
    const id = await replica.exchange(ASKED, SAID);
    const made = (await kept(id)).created;
    await replica.learner.catchUp();
    expect(replica.learner.current().posterior.predict('fake/small', Float64Array.of(1), 10).observations).toBe(0);
    runtime.time = made + SILENCE_MS + 5 * MINUTE;
    await replica.exchange([user('Something else altogether: how are mirrors made?')], 'Of glass.', NOBODY);
    await replica.learner.catchUp();
    expect(replica.learner.current().posterior.predict('fake/small', Float64Array.of(1), 10).observations).toBe(1);
  });

  test('that is switched off is never told of', async () => {
    const without = replicaOf(state, runtime, { off: ['silence'] });
    const id = await without.exchange(ASKED, SAID);
    runtime.time += 2 * SILENCE_MS;
    expect((await kept(id)).label.next).toBe(UNCLEAR);
    expect((await toldOf(id)).signals).toEqual([]);
  });
});

test('an answer that was left is no silence either, where leaving is not looked at', async () => {
  const deaf = replicaOf(state, runtime, { off: ['aborted'] });
  const call = await deaf.ask(ASKED);
  await deaf.answer(call, 'Can', { outcome: 'client_abort' });
  expect(await kept(call.id)).toMatchObject({ signals: [], label: { next: UNCLEAR } });
});

describe('a conversation', () => {
  test('of sixty turns weighs no more than two ratings, all its answers together', async () => {
    const messages: Message[] = [];
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) {
      // No two questions alike.
      messages.push(user(`What is ${runtime.digest(`noun ${i}`)} to ${runtime.digest(`another ${i}`)}?`));
      ids.push(await replica.exchange(messages, `The number ${i} has its uses.`));
      messages.push(assistant(`The number ${i} has its uses.`));
      runtime.time += MINUTE;
    }
    runtime.time += 2 * SILENCE_MS;
    const told = await Promise.all(ids.map(toldOf));
    expect(told.slice(0, -1).every(({ signals }) => signals.some(({ signal }) => signal === 'continued'))).toBe(true);
    const weights = told.flatMap(({ signals }) => signals.map(({ weight }) => weight));
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThanOrEqual(2);
    const shares = await Promise.all(ids.map(async (id) => (await kept(id)).label.share));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(4);
    expect((await kept(ids[59] as string)).turn).toBe(59);
  });

  test('that goes on after a thumb keeps the thumb, and what followed counts for nothing beside it', async () => {
    const id = await replica.exchange(ASKED, SAID);
    await replica.ledger.giveFeedback(id, { signal: 'thumbs', value: 0 });
    await replica.exchange([...ASKED, assistant(SAID), user('And how many people live there?')], 'Some 470,000.');
    expect((await kept(id)).label).toMatchObject({ quality: 0, weight: 1, next: NEXT.indexOf('continued') });
    expect((await toldOf(id)).reward).toBe(0);
    expect((await kept(id)).signals.find(({ signal }) => signal === 'continued')?.weight).toBe(0);
  });

  test('that is judged by a signal that is switched off teaches neither that nor silence', async () => {
    const without = replicaOf(state, runtime, { off: ['continued'] });
    const id = await without.exchange(ASKED, SAID);
    await without.exchange([...ASKED, assistant(SAID), user('And how many people live there?')], 'Some 470,000.');
    expect(await kept(id)).toMatchObject({ signals: [], label: { next: UNCLEAR } });
  });
});

describe('another replica', () => {
  test('finds by names alone whom a request goes on from, repeats or rewords', async () => {
    const other = replicaOf(state, runtime);
    const continued = await replica.exchange(ASKED, SAID);
    const goingOn = [...ASKED, assistant(SAID), user('And how many people live there?')];
    const repeated = await other.exchange(goingOn, 'Some 470,000.');
    expect(await nextOf(continued)).toBe('continued');
    const reworded = await replica.exchange(goingOn, 'Nearly half a million.');
    expect(await nextOf(repeated)).toBe('regenerated');
    // Where an earlier answer to nearly this is remembered, which was refused already.
    await other.exchange([...ASKED, assistant(SAID), user('And how many people live there now?')], '471,000.');
    expect(await nextOf(reworded)).toBe('rephrased');
    expect(await nextOf(repeated)).toBe('regenerated');
  });

  test('whose verdict and somebody’s thumb come at once loses neither', async () => {
    const other = replicaOf(state, runtime);
    const id = await replica.exchange(ASKED, SAID);
    const [again] = await Promise.all([
      other.ask(ASKED),
      replica.ledger.giveFeedback(id, { signal: 'thumbs', value: 1 }),
    ]);
    await again.standing;
    expect((await signalsOf(id)).sort()).toEqual(['regenerated', 'thumbs']);
    expect((await kept(id)).label).toMatchObject({ quality: 1, weight: 1, next: NEXT.indexOf('regenerated') });
    const { entries } = await state.readSince('auto', LOG_START, 10);
    expect(entries.at(-1)).toMatchObject({ revision: 3, quality: 1, next: NEXT.indexOf('regenerated') });
  });
});

describe('a store', () => {
  test.each(['lookUp', 'revise', 'recall'] as const)('that fails when asked to %s fails no request', async (verb) => {
    await replica.exchange(ASKED, SAID);
    const fails = () => Promise.reject(new Error('no store'));
    const broken = replicaOf({ ...state, [verb]: fails }, runtime);
    const call = await broken.ask(ASKED);
    const standing = await call.standing;
    // Recalled is only what is changed by two at once.
    if (verb !== 'recall') {
      expect(standing).toEqual(FIRST);
      const message = 'what a request says of an earlier answer could not be found out';
      expect(runtime.logged).toContainEqual({ level: 'warn', message });
    }
    await broken.answer(call, SAID);
    expect((await kept(call.id)).outcome?.kind).toBe('completed');
  });

  test('that fails for a while is logged once, and once more when it fails again', async () => {
    let away = true;
    const lookUp: StateStore['lookUp'] = (names) => (away ? Promise.reject(new Error('away')) : state.lookUp(names));
    const other = replicaOf({ ...state, lookUp }, runtime);
    const warnings = async (text: string): Promise<number> => {
      await (await other.ask([user(text)])).standing;
      return runtime.logged.filter(({ level }) => level === 'warn').length;
    };
    expect([await warnings('one'), await warnings('two'), await warnings('three')]).toEqual([1, 1, 1]);
    away = false;
    expect(await warnings('four')).toBe(1);
    away = true;
    expect(await warnings('five')).toBe(2);
  });

  test('that hangs keeps nobody from being answered, and the verdict comes once it is back', async () => {
    const id = await replica.exchange(ASKED, SAID);
    const release = Promise.withResolvers<void>();
    const slow: StateStore = {
      ...state,
      async lookUp(names) {
        await release.promise;
        return state.lookUp(names);
      },
    };
    const other = replicaOf(slow, runtime);
    const call = await other.ask(ASKED);
    let stands: unknown = null;
    void call.standing.then((standing) => {
      stands = standing;
    });
    await Promise.resolve();
    expect([stands, await nextOf(id)]).toEqual([null, 'pending']);
    runtime.time += TOOK_MS;
    release.resolve();
    expect(await call.standing).toEqual({ turn: 1, retry: 1, noVerdict: null });
    expect(await nextOf(id)).toBe('regenerated');
  });
});

test('what a request says of its own earlier self is none: an answer is pending until something follows', async () => {
  const id = await replica.exchange(ASKED, SAID);
  expect((await kept(id)).label).toEqual({ quality: null, weight: 0, shown: 0, next: PENDING, share: 1 });
  expect(SILENCE).toBe(NEXT.indexOf('silence'));
});
