/** The gateway over Redis inside workerd: apps that share one, each as an isolate of its own has it, each call a request. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  expectSharedAnswers,
  expectTaught,
  type Isolate,
  learningConfig,
  newIsolate,
  question,
  teach,
} from '../support/isolate.ts';
import { NO_REDIS, tell, URL_OF_REDIS } from './server.ts';

const CONFIG = learningConfig('${REDIS_URL}');
const startIsolate = (): Isolate => newIsolate({ CONDUIT_CONFIG_TEXT: CONFIG, REDIS_URL: URL_OF_REDIS });

describe.skipIf(NO_REDIS)(`a gateway at the edge over Redis${NO_REDIS === null ? '' : ` (${NO_REDIS})`}`, () => {
  beforeEach(() => tell('flush'));

  test('what one isolate has learned the next one knows with its first request, and goes by', async () => {
    await teach(startIsolate());
    await expectTaught(startIsolate());
  });

  test('an answer of one isolate is rated, followed up and explained by another', async () => {
    await expectSharedAnswers(startIsolate(), startIsolate());
  });

  test('while Redis is away answers are given, and rated once it is back', async () => {
    const isolate = startIsolate();
    await isolate.ask(question(1));
    await isolate.settled();
    const before = await tell<number>('clients');
    await tell('kill');
    const kept = [];
    try {
      for (let i = 0; i < 3; i++) kept.push(await isolate.ask(question(2 + i)));
    } finally {
      await tell('start');
    }
    await isolate.settled();
    const other = startIsolate();
    for (const { id } of kept) expect(await other.rate(id, 1)).toMatchObject({ status: 'recorded' });
    await other.settled();
    await expect.poll(() => tell<number>('clients'), { timeout: 5_000 }).toBe(before);
  });
});
