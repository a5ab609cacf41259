/** The dashboard's routes as a browser, or whoever means ill, would use them. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { type Events, eventsOf } from '../support/dashboard.ts';
import { answer, startFakeUpstream } from '../support/fake-upstream.ts';
import { sha256Hex, simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';

const KEYS = 'keys: [{ name: web, key: web-key }, { name: "o.p s", key: ops-key, admin: true }]';

async function gatewayWith(
  rest = KEYS,
  models = ['small', 'large'],
): Promise<TestGateway & { reloadWith(rest: string): Promise<void> }> {
  const upstream = await startFakeUpstream(answer('The answer'));
  const gateway = await startTestGateway(
    simpleConfig(upstream.url, models, { rest }),
    rest.startsWith(KEYS) ? { key: 'web-key' } : {},
  );
  onTestFinished(async () => {
    await gateway.close();
    await upstream.close();
  });
  return {
    ...gateway,
    async reloadWith(next) {
      const text = `${simpleConfig(upstream.url, models, { rest: next })}\nserver: { host: 127.0.0.1, port: 0 }`;
      const loaded = loadConfig({ text, env: {}, sha256Hex });
      if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
      await gateway.reload(loaded.config);
    },
  };
}

const signIn = (gateway: TestGateway, key: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${gateway.url}/dashboard/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ key }),
  });

const cookieOf = (response: Response): string => response.headers.get('set-cookie')?.split(';')[0] ?? '';

async function watch(gateway: TestGateway, cookie: string | null, query = ''): Promise<Events> {
  const leaving = new AbortController();
  const response = await fetch(`${gateway.url}/dashboard/events${query}`, {
    headers: cookie === null ? {} : { cookie },
    signal: leaving.signal,
  });
  onTestFinished(() => leaving.abort());
  return eventsOf(response, () => leaving.abort());
}

async function ask(gateway: TestGateway, content = 'Hi'): Promise<string> {
  const response = await gateway.post('/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content }] });
  expect(response.status).toBe(200);
  await response.text();
  return response.headers.get('x-conduit-decision') as string;
}

describe('who may see the dashboard', () => {
  test('is everybody while there are no keys', async () => {
    const gateway = await gatewayWith('');
    const page = await gateway.get('/dashboard');
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('dashboard/page.js');
    const events = await watch(gateway, null);
    expect((await events.next('snapshot')).signed_in_as).toBe(null);
  });

  test('is nobody without an admin key once there are keys: a form asks for one', async () => {
    const gateway = await gatewayWith();
    const page = await fetch(`${gateway.url}/dashboard`);
    expect(page.status).toBe(401);
    expect(await page.text()).toContain('name="key"');
    for (const path of ['/dashboard/events', '/dashboard/decisions/dec_1']) {
      expect((await fetch(gateway.url + path)).status).toBe(401);
      expect((await gateway.get(path, 'web-key')).status).toBe(403);
      expect((await gateway.get(path, 'none-such')).status).toBe(401);
    }
    expect((await gateway.get('/dashboard', 'web-key')).status).toBe(403);
    expect((await signIn(gateway, 'web-key')).status).toBe(403);
    expect((await signIn(gateway, 'none-such')).status).toBe(401);
    expect((await signIn(gateway, 'web-key')).headers.get('set-cookie')).toBe(null);
  });

  test('is whoever signs in with an admin key, by a cookie that scripts cannot read and that does not hold the key', async () => {
    const gateway = await gatewayWith();
    const signedIn = await signIn(gateway, 'ops-key');
    expect(signedIn.status).toBe(204);
    const set = signedIn.headers.get('set-cookie') as string;
    expect(set).toMatch(/; HttpOnly/);
    expect(set).toMatch(/; SameSite=Strict/);
    expect(set).toMatch(/; Path=\/dashboard/);
    expect(set).toMatch(/; Max-Age=43200/);
    expect(set).not.toContain('ops-key');
    expect(set).not.toContain(sha256Hex('ops-key'));
    expect(set).not.toMatch(/; Secure/);
    const behindTls = await signIn(gateway, 'ops-key', { 'x-forwarded-proto': 'https' });
    expect(behindTls.headers.get('set-cookie')).toMatch(/; Secure/);

    const cookie = cookieOf(signedIn);
    expect((await fetch(`${gateway.url}/dashboard`, { headers: { cookie } })).status).toBe(200);
    expect((await (await watch(gateway, cookie)).next('snapshot')).signed_in_as).toBe('o.p s');
    // The cookie opens the dashboard alone.
    expect((await fetch(`${gateway.url}/v1/routers/auto`, { headers: { cookie } })).status).toBe(401);
  });

  test('is nobody with a token that was altered', async () => {
    const gateway = await gatewayWith();
    const [name, token] = cookieOf(await signIn(gateway, 'ops-key')).split('=') as [string, string];
    const [ends, who, mac] = decodeURIComponent(token).split('.') as [string, string, string];
    const later = (Number.parseInt(ends, 36) + 1).toString(36);
    const forged = [
      [later, who, mac],
      [ends, 'web', mac],
      [ends, who, `${mac.slice(0, -1)}${mac.endsWith('A') ? 'B' : 'A'}`],
      [ends, who, ''],
      [ends, who],
      ['', '', ''],
    ];
    for (const parts of forged) {
      const cookie = `${name}=${encodeURIComponent(parts.join('.'))}`;
      expect((await fetch(`${gateway.url}/dashboard/events`, { headers: { cookie } })).status).toBe(401);
    }
    const { status } = await fetch(`${gateway.url}/dashboard`, { headers: { cookie: `${name}=${token}` } });
    expect(status).toBe(200);
  });

  test('ends with the key: one that was taken out or replaced signs nobody in any more, and its open page is told', async () => {
    const gateway = await gatewayWith();
    const cookie = cookieOf(await signIn(gateway, 'ops-key'));
    const events = await watch(gateway, cookie);
    await events.next('snapshot');
    await gateway.reloadWith('keys: [{ name: "o.p s", key: another-key, admin: true }]');
    await events.ended;
    expect((await fetch(`${gateway.url}/dashboard/events`, { headers: { cookie } })).status).toBe(401);
    expect((await fetch(`${gateway.url}/dashboard`, { headers: { cookie } })).status).toBe(401);
  });

  test('is nobody after signing out', async () => {
    const gateway = await gatewayWith();
    const cookie = cookieOf(await signIn(gateway, 'ops-key'));
    const out = await fetch(`${gateway.url}/dashboard/session`, { method: 'DELETE', headers: { cookie } });
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toMatch(/^conduit_dashboard=; Max-Age=0; Path=\/dashboard/);
  });

  test('can be told by the header that all other routes take, without a body', async () => {
    const gateway = await gatewayWith();
    const post = (key: string): Promise<Response> =>
      fetch(`${gateway.url}/dashboard/session`, { method: 'POST', headers: { authorization: `Bearer ${key}` } });
    const right = await post('ops-key');
    expect(right.status).toBe(204);
    expect(cookieOf(right)).toMatch(/^conduit_dashboard=/);
    expect((await post('web-key')).status).toBe(403);
    expect((await post('none-such')).status).toBe(401);
  });

  test('can be told by the form alone, without scripts', async () => {
    const gateway = await gatewayWith();
    const post = (key: string): Promise<Response> =>
      fetch(`${gateway.url}/dashboard/session`, {
        method: 'POST',
        body: new URLSearchParams({ key }),
        redirect: 'manual',
      });
    const right = await post('ops-key');
    expect(right.status).toBe(303);
    expect(new URL(right.headers.get('location') as string, `${gateway.url}/dashboard/session`).pathname).toBe(
      '/dashboard',
    );
    expect(cookieOf(right)).toMatch(/^conduit_dashboard=/);
    const wrong = await post('<script>alert(1)</script>');
    expect(wrong.status).toBe(401);
    expect(await wrong.text()).not.toContain('alert(1)');
    expect((await post('web-key')).status).toBe(403);
  });
});

test('every try to sign in is counted and logged, by a form too, and never with the key that was tried', async () => {
  const gateway = await gatewayWith(`${KEYS}\nlog: { requests: true }`);
  const post = (key: string): Promise<Response> =>
    fetch(`${gateway.url}/dashboard/session`, {
      method: 'POST',
      body: new URLSearchParams({ key }),
      redirect: 'manual',
    });
  await post('guessed-key');
  await post('web-key');
  await post('ops-key');
  await signIn(gateway, 'guessed-key');
  const metrics = await (await gateway.get('/metrics', 'ops-key')).text();
  const counted = [...metrics.matchAll(/^conduit_responses_total\{route="dashboard",status="(\d+)"\} (\d+)$/gm)];
  expect(counted.map(([, status, count]) => [status, count])).toEqual([
    ['401', '2'],
    ['403', '1'],
    ['303', '1'],
  ]);
  const lines = gateway.logged.map((line) => JSON.parse(line)).filter(({ route }) => route === 'dashboard/session');
  expect(lines.map(({ status, code, key }) => [status, code, key])).toEqual([
    [401, 'invalid_api_key', null],
    [403, 'admin_required', null],
    [303, null, 'o.p s'],
    [401, 'invalid_api_key', null],
  ]);
  expect(gateway.logged.join()).not.toContain('guessed-key');
});

test('whoever asks for the head of the events alone takes nobody’s place among those who watch', async () => {
  const gateway = await gatewayWith('');
  for (let i = 0; i < 40; i++) {
    const head = await fetch(`${gateway.url}/dashboard/events`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  }
  expect((await watch(gateway, null)).response.status).toBe(200);
});

describe('what another site can do', () => {
  test('is nothing: neither sign in or out for somebody, nor read what happens', async () => {
    const gateway = await gatewayWith();
    const cookie = cookieOf(await signIn(gateway, 'ops-key'));
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
    ] as Record<string, string>[]) {
      expect((await signIn(gateway, 'ops-key', headers)).status).toBe(403);
      const out = await fetch(`${gateway.url}/dashboard/session`, {
        method: 'DELETE',
        headers: { cookie, ...headers },
      });
      expect(out.status).toBe(403);
      expect((await fetch(`${gateway.url}/dashboard/events`, { headers: { cookie, ...headers } })).status).toBe(403);
    }
    expect((await signIn(gateway, 'ops-key', { origin: gateway.url })).status).toBe(204);
  });

  test('is held off by every header that browsers go by', async () => {
    const gateway = await gatewayWith();
    const cookie = cookieOf(await signIn(gateway, 'ops-key'));
    const events = await watch(gateway, cookie);
    const all = [
      await fetch(`${gateway.url}/dashboard`),
      await fetch(`${gateway.url}/dashboard`, { headers: { cookie } }),
      await fetch(`${gateway.url}/dashboard/page.js`),
      events.response,
    ];
    for (const { headers } of all) {
      const policy = headers.get('content-security-policy') as string;
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      expect(policy).toContain("frame-ancestors 'none'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('same-origin');
    }
    expect(all[1]!.headers.get('cache-control')).toBe('no-store');
  });

  test('is no large sign-in either', async () => {
    const gateway = await gatewayWith();
    expect((await signIn(gateway, 'x'.repeat(5_000))).status).toBe(413);
    const garbage = await fetch(`${gateway.url}/dashboard/session`, { method: 'POST', body: '{' });
    expect(garbage.status).toBe(400);
    // In pieces, so that nobody knows before how large it will be.
    const inPieces = (size: number): Promise<Response> =>
      fetch(`${gateway.url}/dashboard/session`, {
        method: 'POST',
        body: new Blob([JSON.stringify({ key: 'ops-key', more: 'x'.repeat(size) })]).stream(),
        duplex: 'half',
      });
    expect((await inPieces(0)).status).toBe(204);
    expect((await inPieces(5_000)).status).toBe(413);
  });
});

test('whoever has taken a wrong turn is shown the way in a browser, and programs get an error', async () => {
  const gateway = await gatewayWith();
  const browsing = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  // Where a browser is once the form has told that a key is wrong.
  const again = await fetch(`${gateway.url}/dashboard/session`, { headers: browsing, redirect: 'manual' });
  expect(again.status).toBe(303);
  expect(new URL(again.headers.get('location') as string, again.url).pathname).toBe('/dashboard');
  for (const path of ['/dashboard/overview', '/dashboard/a/b', '/dashboard/sign-in.html']) {
    const page = await fetch(gateway.url + path, { headers: browsing });
    expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('href="/dashboard"');
    const error = await fetch(gateway.url + path);
    expect([error.status, await error.json()]).toMatchObject([404, { error: { code: 'not_found' } }]);
  }
  const metrics = await (await gateway.get('/metrics', 'ops-key')).text();
  expect(metrics).toContain('conduit_responses_total{route="dashboard",status="404"} 6');
});

describe('the page’s files', () => {
  test('are answered from a browser’s cache while they are the same, gzipped where it takes that', async () => {
    const gateway = await gatewayWith();
    const first = await gateway.get('/dashboard/page.css');
    expect(first.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(first.headers.get('content-encoding')).toBe('gzip');
    const etag = first.headers.get('etag') as string;
    const again = await fetch(`${gateway.url}/dashboard/page.css`, { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    const plain = await fetch(`${gateway.url}/dashboard/page.css`, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBe(null);
    expect(await plain.text()).toBe(await first.text());
    for (const path of ['/dashboard/none.js', '/dashboard/..%2froutes.ts', '/dashboard/index.html'])
      expect((await gateway.get(path)).status).toBe(404);
    expect((await fetch(`${gateway.url}/dashboard/`, { redirect: 'manual' })).status).toBe(308);
  });

  test('have no script or style within the markup, which the policy would refuse', async () => {
    const folder = new URL('../../src/dashboard/page/', import.meta.url);
    for (const name of await readdir(folder)) {
      const text = await readFile(new URL(name, folder), 'utf8');
      if (name.endsWith('.html')) {
        expect(text).not.toMatch(/<style|\sstyle=|\son\w+=/);
        expect(text).not.toMatch(/<script(?![^>]*\ssrc=)/);
      }
      // Texts of others become text, never markup.
      expect(text).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/);
    }
  });

  test('are less than 150 kB together, gzipped', async () => {
    const gateway = await gatewayWith('');
    const html = await (await gateway.get('/dashboard')).text();
    const named = [...html.matchAll(/(?:src|href)="(dashboard\/[^"]+)"/g)].map(([, path]) => path as string);
    const folder = new URL('../../src/dashboard/page/', import.meta.url);
    const modules = (await readdir(folder)).filter((name) => name.endsWith('.js')).map((name) => `dashboard/${name}`);
    let bytes = gzipSync(html).length;
    for (const path of new Set([...named, ...modules])) {
      const response = await gateway.get(`/${path}`);
      expect(response.status).toBe(200);
      bytes += gzipSync(await response.text()).length;
    }
    expect(bytes).toBeLessThan(150_000);
  });
});

describe('GET /dashboard/events', () => {
  test('tells everything first, and then what changes while it changes', async () => {
    const gateway = await gatewayWith('');
    const before = await ask(gateway, 'before');
    const events = await watch(gateway, null, '?router=auto&range=minutes');
    expect(events.response.headers.get('content-type')).toBe('text/event-stream');
    const first = await events.next('snapshot');
    expect(first).toMatchObject({
      routers: ['auto'],
      baseline: 'fake/small',
      learned: { name: 'auto', policy: 'linear-thompson' },
    });
    expect(first.activity.decisions.map(({ id }) => id)).toEqual([before]);
    const later = await ask(gateway, 'later');
    const change = await events.nextWhere('change', ({ activity }) => activity.decisions.length > 0);
    expect(change.activity.decisions.map(({ id }) => id)).toEqual([later]);
    expect(change.activity.summary.requests).toBe(2);
    await gateway.post('/v1/feedback', { decision_id: before, signal: 'thumbs', value: 0 });
    const rated = await events.nextWhere('change', ({ activity }) => activity.decisions.length > 0);
    expect(rated.activity.decisions).toMatchObject([{ id: before, reward: 0, signals: ['thumbs'] }]);
    expect(rated.activity.summary).toMatchObject({ requests: 2, signals: [{ signal: 'thumbs', count: 1, mean: 0 }] });
    expect(rated.activity.summary.labelled.weight).toBeGreaterThanOrEqual(1);
    expect(JSON.stringify([first, change, rated])).not.toMatch(/before|The answer/);
  });

  test('ends within a second or so when the gateway is to end', async () => {
    const gateway = await gatewayWith('');
    const events = await watch(gateway, null);
    await events.next('snapshot');
    const startedAt = performance.now();
    await gateway.close();
    await events.ended;
    // Answers in flight may take 30 s.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  test('shows after a restart what the folder has kept, each decision once and with what was said of it', async () => {
    const upstream = await startFakeUpstream(answer('Hi'));
    const folder = await mkdtemp(join(tmpdir(), 'conduit-dashboard-'));
    onTestFinished(async () => {
      await upstream.close();
      await rm(folder, { recursive: true });
    });
    const rest = `stores: { folder: "${folder}" }`;
    const first = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest }));
    const id = await ask(first, 'What is one?');
    for (const value of [1, 0]) await first.post('/v1/feedback', { decision_id: id, signal: 'thumbs', value });
    await ask(first, 'Where is Rome?');
    await first.close();
    const again = await startTestGateway(simpleConfig(upstream.url, ['small', 'large'], { rest }));
    onTestFinished(() => again.close());
    const events = await watch(again, null);
    const { activity } = await events.nextOf(['snapshot', 'change']);
    expect(activity.summary).toMatchObject({ requests: 2, signals: [{ signal: 'thumbs', count: 1, mean: 0 }] });
    const later = await ask(again, 'And when?');
    const change = await events.nextWhere('change', ({ activity: { decisions } }) => decisions.length > 0);
    expect(change.activity.decisions.map((one) => one.id)).toContain(later);
    expect(change.activity.summary.requests).toBe(3);
  });

  test('names what is allowed where something is asked that there is none of', async () => {
    const gateway = await gatewayWith('');
    const range = await gateway.get('/dashboard/events?range=week');
    expect(range.status).toBe(400);
    expect(await range.text()).toContain('minutes, hour, day, month');
    expect((await gateway.get('/dashboard/events?router=none')).status).toBe(404);
  });

  test('is told to a bounded number of pages, and a place is free again when one leaves', async () => {
    const gateway = await gatewayWith('');
    const watching = await Promise.all(Array.from({ length: 32 }, () => watch(gateway, null)));
    const full = await gateway.get('/dashboard/events');
    expect(full.status).toBe(503);
    expect(full.headers.get('retry-after')).toBe('10');
    watching[0]!.leave();
    await expect
      .poll(
        async () => {
          const next = await watch(gateway, null);
          next.leave();
          return next.response.status;
        },
        { timeout: 10_000 },
      )
      .toBe(200);
  });
});

test('a decision’s detail is the one that the API gives, for whoever is signed in', async () => {
  const gateway = await gatewayWith();
  const id = await ask(gateway);
  const cookie = cookieOf(await signIn(gateway, 'ops-key'));
  const response = await fetch(`${gateway.url}/dashboard/decisions/${id}`, { headers: { cookie } });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual(await (await gateway.get(`/v1/decisions/${id}`, 'ops-key')).json());
  expect((await fetch(`${gateway.url}/dashboard/decisions/dec_none`, { headers: { cookie } })).status).toBe(404);
});
