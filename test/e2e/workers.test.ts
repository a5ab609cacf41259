/** `server.workers`: several real processes on one port, that act as one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { conduit, directory, type Serving, serve } from '../cli/run-cli.ts';
import { eventsOf } from '../support/dashboard.ts';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig } from '../support/gateway.ts';
import { questionNumber } from '../support/questions.ts';
import { NO_REDIS, startRedisServer } from '../support/redis-server.ts';
import { type Family, readMetrics, sumOf } from '../support/strict-metrics.ts';

interface LogLine {
  pid: number;
  msg: string;
  decision?: string;
}

interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  body: any;
}

/** One connection, which one worker serves for as long as it stands. */
interface Connection {
  worker: number;
  ask(content: string, more?: object): Promise<Answered>;
  post(path: string, body: unknown): Promise<Answered>;
  get(path: string): Promise<Answered>;
}

interface Cluster extends Serving {
  upstream: FakeUpstream;
  cwd: string;
  /** Resolves with the first line of the log, past or to come, that this is true of. */
  logged(isIt: (line: LogLine) => boolean): Promise<LogLine>;
  connect(key?: string): Promise<Connection>;
  /** A connection to each of two workers. */
  connectToBoth(key?: string): Promise<[Connection, Connection]>;
}

const PATIENCE = { timeout: 15_000, interval: 100 };

/** Two workers and a provider that says hello, all gone after the test. */
async function startCluster(more: { rest?: string; router?: string; models?: string[] } = {}): Promise<Cluster> {
  const upstream = await startFakeUpstream(answer());
  onTestFinished(() => upstream.close());
  const cwd = directory({ 'conduit.yaml': configText(upstream, more) });
  const serving = await serve([], cwd);
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: serving.process.stderr }).on('line', (line) => {
    if (line.startsWith('{')) lines.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  const logged = (isIt: (line: LogLine) => boolean): Promise<LogLine> =>
    new Promise((resolve) => {
      const look = (): void => {
        const line = lines.find(isIt);
        if (line) waiting.delete(look);
        if (line) resolve(line);
      };
      waiting.add(look);
      look();
    });

  const connect = async (key = 'none'): Promise<Connection> => {
    const dispatcher = new Agent({ connections: 1, keepAliveTimeout: 60_000 });
    onTestFinished(() => dispatcher.destroy());
    const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answered> => {
      const response = await request(serving.url + path, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return { status: response.statusCode, headers: response.headers, body: await response.body.json() };
    };
    const ask = (content: string, fields: object = {}): Promise<Answered> =>
      call('POST', '/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content }], ...fields });
    const { headers } = await ask('Who is there?');
    const { pid } = await logged(({ decision }) => decision === headers['x-conduit-decision']);
    return { worker: pid, ask, post: (path, body) => call('POST', path, body), get: (path) => call('GET', path) };
  };

  return {
    ...serving,
    upstream,
    cwd,
    logged,
    connect,
    async connectToBoth(key) {
      for (;;) {
        const [one, other] = await Promise.all([connect(key), connect(key)]);
        if (other.worker !== one.worker) return [one, other];
      }
    },
  };
}

function configText(
  upstream: FakeUpstream,
  { models, ...more }: { rest?: string; router?: string; models?: string[] } = {},
): string {
  return `server: { port: 0, workers: 2 }\nlog: { requests: true }\n${simpleConfig(upstream.url, models, more)}`;
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const observations = async (connection: Connection): Promise<number> =>
  (await connection.get('/v1/routers/auto')).body.observations;

describe('two workers', () => {
  test('serve on one port that is told once, and end with the primary', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    expect(cluster.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(new Set([one.worker, other.worker, cluster.process.pid]).size).toBe(3);
    cluster.process.kill('SIGTERM');
    const { code, stdout } = await cluster.ended;
    expect(code).toBe(0);
    expect(stdout).toBe(`${cluster.firstLine}\n`);
    expect([one.worker, other.worker].filter(isRunning)).toEqual([]);
  });

  test('show the traffic of both on the dashboard, whichever of them the page has come to', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    const ids = [];
    for (const each of [one, other, one, other])
      ids.push((await each.ask(`Hello ${ids.length}`)).headers['x-conduit-decision']);
    const leaving = new AbortController();
    onTestFinished(() => leaving.abort());
    const response = await fetch(`${cluster.url}/dashboard/events`, { signal: leaving.signal });
    const events = eventsOf(response, () => leaving.abort());
    const shown = new Set<string>();
    while (!ids.every((id) => shown.has(id as string))) {
      const { activity } = await events.nextOf(['snapshot', 'change']);
      for (const { id } of activity.decisions) shown.add(id);
    }
    const later = (await other.ask('Later')).headers['x-conduit-decision'];
    await events.nextWhere('change', ({ activity }) => activity.decisions.some(({ id }) => id === later));
  });

  test('take feedback for one another’s answers, and each sees what all have learned', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    const before = await observations(one);
    const { body, headers } = await one.ask('Hello');
    const thumb = { completion_id: body.id, signal: 'thumbs', value: 1 };
    const given = await vi.waitFor(async () => {
      const feedback = await other.post('/v1/feedback', thumb);
      expect(feedback.status).toBe(200);
      return feedback.body;
    }, PATIENCE);
    expect(given).toMatchObject({ decision_id: headers['x-conduit-decision'], status: 'recorded', reward: 1 });
    expect((await one.post('/v1/feedback', thumb)).body.status).toBe('duplicate');
    const seen = await one.get(`/v1/decisions/${headers['x-conduit-decision']}`);
    expect(seen.body).toMatchObject({ reward: 1, signals: [{ signal: 'thumbs', value: 1 }] });
    for (const { ask } of [one, other, other]) await ask('Hello again');
    for (const each of [one, other])
      await vi.waitFor(async () => expect(await observations(each)).toBeGreaterThanOrEqual(before + 4), PATIENCE);
    expect(await observations(one)).toBe(await observations(other));
  });

  test('report on what all of them decided, whichever is asked', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    const counted = (await observations(one)) + 2;
    await one.ask('Name a river');
    await other.ask('What is a prime number?');
    let hours = 0;
    for (const connection of [one, other]) {
      await vi.waitFor(async () => {
        // A report serves for half a minute: another one is asked for each time.
        const { status, body } = await connection.get(`/v1/routers/auto/report?since=${++hours}h`);
        expect({ status, counted: body.decisions?.counted }).toEqual({ status: 200, counted });
      }, PATIENCE);
    }
  });

  test('count together, whichever is asked, and lose no count of one that dies', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    const metrics = async (): Promise<Map<string, Family>> =>
      readMetrics(await (await fetch(`${cluster.url}/metrics`)).text(), 'prometheus');
    const before = sumOf(await metrics(), 'conduit_requests_total');
    for (const { ask } of [one, other, other]) await ask('Count me');
    // Each of them is asked: connections go to the workers in turn.
    for (let asked = 0; asked < 4; asked++) {
      await vi.waitFor(async () => expect(sumOf(await metrics(), 'conduit_requests_total')).toBe(before + 3), PATIENCE);
    }
    const all = await metrics();
    expect(sumOf(all, 'conduit_processes')).toBe(2);
    expect(sumOf(all, 'conduit_store_up', { store: 'state' })).toBe(1);
    expect(sumOf(all, 'conduit_observations', { router: 'auto' })).toBeLessThanOrEqual(before + 3);
    process.kill(other.worker, 'SIGKILL');
    await cluster.logged(({ msg }) => msg === 'a worker serves again');
    const after = await metrics();
    expect(sumOf(after, 'conduit_processes')).toBe(2);
    expect(sumOf(after, 'conduit_requests_total')).toBe(before + 3);
  });

  test('go on with one another’s conversations', async () => {
    const cluster = await startCluster({ models: ['a', 'b', 'c', 'd'], router: 'policy: random' });
    const [one, other] = await cluster.connectToBoth();
    const first = { role: 'user', content: 'Tell me of the sea, at length' };
    const begun = await one.ask('', { messages: [first] });
    let tried = 0;
    await vi.waitFor(async () => {
      // Who asked the same again would want another model's answer.
      const next = { role: 'user', content: questionNumber(tried++) };
      const { headers } = await other.ask('', { messages: [first, begun.body.choices[0].message, next] });
      expect(headers).toMatchObject({
        'x-conduit-reason': 'sticky',
        'x-conduit-model': begun.headers['x-conduit-model'],
      });
    }, PATIENCE);
  });

  test('count a key’s requests together', async () => {
    const keys = 'keys: [{ name: web, key: k-web, requests_per_minute: 30 }, { name: ops, key: k-ops, admin: true }]';
    const cluster = await startCluster({ rest: keys });
    const [one, other] = await cluster.connectToBoth('k-ops');
    const web = await cluster.connect('k-web');
    const elsewhere = web.worker === one.worker ? other : one;
    while ((await web.ask('Hello')).status === 200);
    // Of another worker, with the same key. By itself it would have let 30 through.
    let passed = 0;
    const second = await connectTo(cluster, elsewhere.worker, 'k-web');
    await vi.waitFor(
      async () => {
        const { status } = await second.ask('Hello');
        if (status === 200) passed++;
        expect(status).toBe(429);
      },
      { ...PATIENCE, interval: 300 },
    );
    expect(passed).toBeLessThan(20);
  });

  test('rest an arm that failed for one of them', async () => {
    const cluster = await startCluster({ models: ['good', 'bad'], router: 'policy: fixed' });
    cluster.upstream.scripts.set('bad', fail(500));
    const [one, other] = await cluster.connectToBoth();
    await vi.waitFor(async () => {
      await one.ask('Hello', { model: 'fake/bad' });
      const { arms } = (await other.get('/v1/routers/auto')).body;
      expect(arms).toMatchObject([
        { model: 'fake/good', resting: false },
        { model: 'fake/bad', resting: true },
      ]);
    }, PATIENCE);
  });
});

/** A connection to this worker. */
async function connectTo(cluster: Cluster, worker: number, key: string): Promise<Connection> {
  for (;;) {
    const connection = await cluster.connect(key);
    if (connection.worker === worker) return connection;
  }
}

describe('when a process dies', () => {
  test('a worker that is killed is replaced, on the same port, and what was learned is kept', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    for (const { ask } of [one, other, one]) await ask('Hello');
    const before = await vi.waitFor(async () => {
      const count = await observations(other);
      expect(count).toBeGreaterThanOrEqual(5);
      return count;
    }, PATIENCE);
    process.kill(one.worker, 'SIGKILL');
    await cluster.logged(({ msg }) => msg === 'a worker serves again');
    const [third, fourth] = await cluster.connectToBoth();
    const newcomer = third.worker === other.worker ? fourth : third;
    expect([one.worker, other.worker]).not.toContain(newcomer.worker);
    expect(await observations(newcomer)).toBeGreaterThan(before);
    cluster.process.kill('SIGTERM');
    expect((await cluster.ended).code).toBe(0);
    expect([other.worker, newcomer.worker].filter(isRunning)).toEqual([]);
  });

  test('both workers at once come back on the same free port', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    for (const { worker } of [one, other]) process.kill(worker, 'SIGKILL');
    await cluster.logged(({ msg }) => msg === 'a worker serves again');
    expect([one.worker, other.worker]).not.toContain((await cluster.connect()).worker);
  });

  test('no worker outlives the primary', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    cluster.process.kill('SIGKILL');
    await vi.waitFor(() => expect([one.worker, other.worker].filter(isRunning)).toEqual([]), PATIENCE);
  });
});

describe('when it is time to go', () => {
  /** A provider that answers when it is told to. */
  function slowly(upstream: FakeUpstream): { asked: Promise<void>; answer: () => void } {
    const asked = Promise.withResolvers<void>();
    const mayAnswer = Promise.withResolvers<void>();
    upstream.scripts.set('large', async (response, received) => {
      asked.resolve();
      await mayAnswer.promise;
      await answer('late')(response, received);
    });
    return { asked: asked.promise, answer: mayAnswer.resolve };
  }

  test('an answer in flight is finished first', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    const slow = slowly(cluster.upstream);
    const answered = one.ask('Hello', { model: 'fake/large' });
    await slow.asked;
    cluster.process.kill('SIGTERM');
    await vi.waitFor(() => expect(isRunning(other.worker)).toBe(false), PATIENCE);
    slow.answer();
    expect((await answered).body.choices[0].message.content).toBe('late');
    expect((await cluster.ended).code).toBe(0);
  });

  test('a second signal ends all of them at once', async () => {
    const cluster = await startCluster();
    const [one, other] = await cluster.connectToBoth();
    const slow = slowly(cluster.upstream);
    const answered = one.ask('Hello', { model: 'fake/large' }).catch(() => 'cut off');
    await slow.asked;
    cluster.process.kill('SIGINT');
    await vi.waitFor(() => expect(isRunning(other.worker)).toBe(false), PATIENCE);
    cluster.process.kill('SIGINT');
    expect((await cluster.ended).code).toBe(1);
    expect(await answered).toBe('cut off');
    await vi.waitFor(() => expect(isRunning(one.worker)).toBe(false), PATIENCE);
  });
});

test('says once, in one line, that the port is taken, and leaves no worker', async () => {
  const cluster = await startCluster();
  const { port } = new URL(cluster.url);
  expect(await conduit(['serve', '--port', port], cluster.cwd)).toEqual({
    code: 1,
    stdout: '',
    stderr: `cannot listen on 127.0.0.1:${port}: the port is taken (another by --port or server.port)\n`,
  });
});

test('a config that has changed is taken by all workers', async () => {
  const cluster = await startCluster();
  const both = await cluster.connectToBoth();
  writeFileSync(join(cluster.cwd, 'conduit.yaml'), configText(cluster.upstream, { models: ['small', 'large', 'new'] }));
  cluster.process.kill('SIGHUP');
  for (const each of both) {
    await vi.waitFor(async () => {
      const { data } = (await each.get('/v1/models')).body;
      expect(data).toContainEqual(expect.objectContaining({ id: 'fake/new' }));
    }, PATIENCE);
  }
});

test.skipIf(NO_REDIS)('count together where each reaches a Redis by itself', async () => {
  const redis = await startRedisServer();
  onTestFinished(() => redis.close());
  const cluster = await startCluster({ rest: `stores: { state: "${redis.url}", durable: none }` });
  await cluster.connectToBoth();
  const families = readMetrics(await (await fetch(`${cluster.url}/metrics`)).text(), 'prometheus');
  expect(sumOf(families, 'conduit_processes')).toBe(2);
  expect(sumOf(families, 'conduit_requests_total')).toBeGreaterThanOrEqual(2);
});

test.skipIf(NO_REDIS)(
  'beside a Redis the primary alone has the folder: what is lost or fades otherwise comes from there',
  async () => {
    const redis = await startRedisServer();
    onTestFinished(() => redis.close());
    const rest = `stores: { state: "${redis.url}", durable: embedded }`;
    const cluster = await startCluster({ rest });
    const [one, other] = await cluster.connectToBoth();
    for (const { ask } of [one, other, one]) await ask('Hello');
    const before = await vi.waitFor(async () => {
      const [count, same] = await Promise.all([one, other].map(observations));
      expect(count).toBeGreaterThanOrEqual(5);
      expect(count).toBe(same);
      return count as number;
    }, PATIENCE);
    for (const each of [one, other]) expect((await each.get('/ready')).body).toMatchObject({ durable: true });
    cluster.process.kill('SIGTERM');
    expect((await cluster.ended).code).toBe(0);

    await redis.client.flushall();
    const again = await serve([], cluster.cwd);
    const seen = async (): Promise<number[]> => {
      const all: number[] = [];
      for (let i = 0; i < 4; i++) {
        const response = await fetch(`${again.url}/v1/routers/auto`, { headers: { connection: 'close' } });
        all.push(((await response.json()) as { observations: number }).observations);
      }
      return all;
    };
    expect(await seen()).toEqual(Array(4).fill(before));
    // Of what the log no longer has nobody else could tell.
    writeFileSync(join(cluster.cwd, 'conduit.yaml'), configText(cluster.upstream, { rest, router: 'half_life: 2d' }));
    again.process.kill('SIGHUP');
    await again.said(/config reloaded/);
    expect(await seen()).toEqual(Array(4).fill(before));
  },
);
