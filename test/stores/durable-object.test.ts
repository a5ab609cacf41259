/** The state in Durable Objects as an isolate has it: what it makes of an object that is slow, overloaded, moved or gone. */
import { describe, expect, test } from 'vitest';
import type { Answer, LogVerbs, SharedVerbs, StateObjects } from '../../src/stores/durable-object/verbs.ts';
import { createObjectStore } from '../../src/stores/durable-object.ts';
import { StoreUnavailable, UncertainWrite } from '../../src/stores/ports.ts';
import { decision } from './state-store-suite.ts';

/** Objects that answer every call so. `asked`: whose object was asked for what, in order. */
function objectsThat(answer: (verb: string, object: string) => unknown) {
  const asked: string[] = [];
  const objects: StateObjects = {
    getByName: (name) =>
      new Proxy({} as LogVerbs & SharedVerbs, {
        get: (_, verb: string) => async () => {
          asked.push(`${name} ${verb}`);
          return answer(verb, name);
        },
      }),
  };
  const halfLives = new Map([
    ['auto', null],
    ['fast', null],
  ]);
  const store = createObjectStore({
    objects,
    halfLives,
    retentionMs: 1,
    isDrained: false,
    holder: 'here',
    timeoutMs: 30,
    retriesMs: [1],
  });
  return { store, asked };
}

const failing = (more: object) => () => {
  throw Object.assign(new Error('it broke'), more);
};

describe('the store over Durable Objects', () => {
  const kept = decision();
  const next = { ...kept, version: 2 };

  test('takes a write that is not answered for one that may have been done, and a read for one that was not', async () => {
    for (const answer of [() => new Promise(() => {}), failing({})]) {
      const { store } = objectsThat(answer);
      await expect(store.remember({ decision: kept, names: [] })).rejects.toThrow(UncertainWrite);
      await expect(store.revise(next)).rejects.toThrow(UncertainWrite);
      await expect(store.add('n', 1, 1)).rejects.toThrow(UncertainWrite);
      const read = await store.recall(kept.id).catch((error) => error);
      expect(read).toBeInstanceOf(StoreUnavailable);
      expect(read).not.toBeInstanceOf(UncertainWrite);
      await expect(store.lookUp(['talk'])).rejects.toThrow(StoreUnavailable);
    }
  });

  test('knows that an overloaded object, or one that says that it failed, has done nothing', async () => {
    for (const answer of [failing({ overloaded: true }), (): Answer<never> => ({ failure: 'the disk is full' })]) {
      const { store } = objectsThat(answer);
      const error = await store.add('n', 1, 1).catch((caught) => caught);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect(error).not.toBeInstanceOf(UncertainWrite);
    }
  });

  test('tries to keep a decision again, whatever went wrong, since nobody else has it', async () => {
    for (const failure of [failing({}), (): Answer<never> => ({ failure: 'the disk is full' })]) {
      let tries = 0;
      const { store, asked } = objectsThat(() => (++tries === 1 ? failure() : { value: null }));
      await store.remember({ decision: kept, names: [] });
      expect(asked).toEqual(['router:auto remember', 'router:auto remember']);
    }
  });

  test('asks again where the platform says that it may, if it can do no harm', async () => {
    let failures = 0;
    const { store, asked } = objectsThat(() => {
      if (failures++ % 2 === 0) throw Object.assign(new Error('the object has moved'), { retryable: true });
      return { value: null };
    });
    expect(await store.readHealth()).toBe(null);
    expect(asked).toEqual(['shared readHealth', 'shared readHealth']);
    await expect(store.revise(next)).rejects.toThrow(UncertainWrite);
    expect(asked.filter((one) => one.endsWith('revise'))).toHaveLength(1);
  });

  test('asks every router’s object for a decision of which it does not know whose it is, and the one where it does', async () => {
    const { store, asked } = objectsThat(() => ({ value: null }));
    await store.recall('dec_of_another_isolate');
    expect(asked.splice(0).sort()).toEqual(['router: recall', 'router:auto recall', 'router:fast recall']);
    const one = decision({ router: 'fast' });
    await store.remember({ decision: one, names: [] });
    await store.recall(one.id);
    expect(asked).toEqual(['router:fast remember', 'router:fast recall']);
  });
});
