/**
 * The dashboard in a real browser: what an operator sees and does. With CONDUIT_SCREENSHOTS=1 the pictures in docs/images are taken
 * anew from a demo run.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { answer, type FakeUpstream, fail, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { closeBrowser, NO_BROWSER, OTHER_HOST, openPage } from './browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** What is hard for people with a keyboard, a screen reader or weak eyes: WCAG 2.2 A and AA, and what axe holds for good practice. */
async function violationsOn(page: Page): Promise<string[]> {
  // As the browser's own tools do: the page's policy lets no script in.
  await page.evaluate(AXE);
  const violations = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 160)}`));
}

const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');

const KEYS = 'keys: [{ name: web, key: web-key }, { name: ops, key: ops-key, admin: true }]';

async function startBoth(rest = ''): Promise<{ gateway: TestGateway; upstream: FakeUpstream }> {
  const upstream = await startFakeUpstream(answer('A secret answer'));
  const gateway = await startTestGateway(
    simpleConfig(upstream.url, ['small', 'large'], { rest }),
    rest === KEYS ? { key: 'web-key' } : {},
  );
  onTestFinished(async () => {
    await gateway.close();
    await upstream.close();
  });
  return { gateway, upstream };
}

let asked = 0;
async function ask(gateway: TestGateway, thumbs?: 0 | 1): Promise<string> {
  const messages = [{ role: 'user', content: `Secret question ${++asked * 7919}` }];
  const response = await gateway.post('/v1/chat/completions', { model: 'auto', messages });
  await response.text();
  const id = response.headers.get('x-conduit-decision') as string;
  if (thumbs !== undefined) await gateway.post('/v1/feedback', { decision_id: id, signal: 'thumbs', value: thumbs });
  return id;
}

const tile = (page: Page, name: string) => page.locator('.tile', { has: page.locator('dt', { hasText: name }) });

describe.skipIf(NO_BROWSER !== null)(
  `the dashboard in a browser${NO_BROWSER === null ? '' : ` (${NO_BROWSER})`}`,
  { timeout: 90_000 },
  () => {
    afterAll(closeBrowser);

    test('asks for a key, refuses one that is no admin’s, lets an admin’s in and out again, and hides the session from scripts', async () => {
      const { gateway } = await startBoth(KEYS);
      const { page, complaints } = await openPage();
      await page.goto(`${gateway.url}/dashboard`);
      expect(await violationsOn(page)).toEqual([]);
      const signIn = async (key: string): Promise<void> => {
        await page.getByLabel('Admin key').fill(key);
        await page.getByRole('button', { name: 'Sign in' }).click();
      };
      await signIn('wrong');
      await page.getByRole('alert').filter({ hasText: 'not a key' }).waitFor();
      await signIn('web-key');
      await page.getByRole('alert').filter({ hasText: 'admin: true' }).waitFor();
      await signIn('ops-key');
      await page.getByText('Live', { exact: true }).waitFor();
      expect(new URL(page.url()).pathname).toBe('/dashboard');
      expect(await page.evaluate('document.cookie')).toBe('');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Admin key').waitFor();
      // Browsers tell of each 401 and 403 that they are answered.
      expect(complaints.filter((text) => !/status of 40[13]/.test(text))).toEqual([]);
    });

    test('goes where a link points once somebody has signed in, also after a wrong key', async () => {
      const { gateway } = await startBoth(KEYS);
      const { page } = await openPage();
      const link = `${gateway.url}/dashboard?router=auto&range=day#dec_none`;
      await page.goto(link);
      for (const key of ['wrong', 'ops-key']) {
        await page.getByLabel('Admin key').fill(key);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('alert').waitFor();
      }
      await page.getByRole('dialog').getByText('No decision is known by this id').waitFor();
      expect(page.url()).toBe(link);
    });

    test('lets an admin in over plain http at any address, where browsers say less of who asks', async () => {
      const { gateway } = await startBoth(KEYS);
      const { page } = await openPage();
      await page.goto(`http://${OTHER_HOST}:${new URL(gateway.url).port}/dashboard`);
      await page.getByLabel('Admin key').fill('ops-key');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByLabel('Admin key').waitFor();
    });

    test('draws what somebody chooses while it is paused: another time, another theme', async () => {
      const { gateway } = await startBoth();
      await ask(gateway, 1);
      const { page } = await openPage();
      await page.goto(`${gateway.url}/dashboard?range=minutes`);
      await page.locator('#shares-chart canvas').waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: /theme/ }).click();
      await page.locator('#shares-chart canvas').waitFor();
      await page.getByRole('radio', { name: 'Day', exact: true }).click();
      await page.getByText('added up over the last hour').waitFor();
      await page.locator('#decisions tbody tr').waitFor();
      expect(await page.locator('#live-text').textContent()).toBe('Paused');
      // What comes by itself still waits.
      await ask(gateway, 1);
      await sleep(2_500);
      expect(await page.locator('#decisions tbody tr').count()).toBe(1);
    });

    test('tells a newcomer what to do first, and shows the first request without a reload', async () => {
      const { gateway } = await startBoth();
      const { page, complaints } = await openPage();
      await page.goto(`${gateway.url}/dashboard`);
      await page.getByRole('heading', { name: 'No requests yet' }).waitFor();
      expect(await page.locator('#start-code').textContent()).toContain(`${gateway.url}/v1/chat/completions`);
      expect(await violationsOn(page)).toEqual([]);
      await ask(gateway);
      await page.getByRole('heading', { name: 'Models', exact: true }).waitFor();
      expect(complaints).toEqual([]);
    });

    test('shows requests, failures and feedback as they come, and stands still while it is paused', async () => {
      const { gateway, upstream } = await startBoth();
      await ask(gateway, 1);
      const { page, complaints } = await openPage();
      await page.goto(`${gateway.url}/dashboard`);
      const requests = tile(page, 'Requests').locator('.value');
      await expect.poll(() => requests.textContent(), PATIENCE).toBe('1');
      for (let i = 0; i < 20; i++) await ask(gateway, i % 3 ? 1 : 0);
      await expect.poll(() => requests.textContent(), PATIENCE).toBe('21');
      await expect.poll(() => page.locator('#decisions tbody tr').count(), PATIENCE).toBe(21);
      expect(await tile(page, 'Quality').locator('.value').textContent()).toMatch(/^\d+\.\d%$/);
      await expect
        .poll(() => page.locator('#signals tr', { hasText: 'thumbs' }).textContent(), PATIENCE)
        .toContain('21');
      expect(await page.locator('.chart canvas').count()).toBe(3);

      upstream.scripts.set('*', fail(500));
      for (let i = 0; i < 6; i++) await ask(gateway);
      await expect.poll(() => tile(page, 'Errors').locator('.under').textContent(), PATIENCE).toMatch(/[1-6] failed/);
      await page.locator('#models .tag.warn', { hasText: 'resting' }).first().waitFor();

      upstream.scripts.set('*', answer('A secret answer'));
      await page.getByRole('button', { name: 'Pause' }).click();
      const before = await requests.textContent();
      await ask(gateway);
      await sleep(2_500);
      expect(await requests.textContent()).toBe(before);
      await page.getByRole('button', { name: 'Pause' }).click();
      await expect.poll(() => requests.textContent(), PATIENCE).not.toBe(before);
      expect(await page.content()).not.toMatch(/[Ss]ecret/);
      expect(complaints).toEqual([]);
    });

    test('explains a decision in a drawer that opens and closes by the keyboard, by its id and by its address', async () => {
      const { gateway } = await startBoth();
      const id = await ask(gateway, 1);
      const { page, complaints } = await openPage();
      await page.goto(`${gateway.url}/dashboard`);
      const row = page.locator('#decisions tbody button').first();
      await row.focus();
      await page.keyboard.press('Enter');
      const drawer = page.getByRole('dialog');
      await drawer.getByText(id).waitFor();
      for (const heading of ['Candidates', 'Attempts', 'Signals', 'What reproduces the draw'])
        await drawer.getByRole('heading', { name: heading }).waitFor();
      expect(await drawer.getByRole('group', { name: 'Candidates' }).locator('tbody tr').count()).toBe(2);
      expect(await drawer.getByRole('group', { name: 'Signals' }).textContent()).toContain('thumbs');
      expect(await violationsOn(page)).toEqual([]);
      expect(new URL(page.url()).hash).toBe(`#${id}`);
      await page.keyboard.press('Escape');
      await drawer.waitFor({ state: 'hidden' });
      await page.getByLabel('Open a decision by its id').fill('dec_none');
      await page.keyboard.press('Enter');
      await drawer.getByRole('alert').waitFor();
      await page.keyboard.press('Escape');
      await page.goto('about:blank');
      await page.goto(`${gateway.url}/dashboard#${id}`);
      await drawer.getByText(id).waitFor();
      // The 404 that was asked for.
      expect(complaints.filter((text) => !/status of 404/.test(text))).toEqual([]);
    });

    test.each(['light', 'dark'] as const)(
      'is readable in the %s theme, which the system chooses until somebody does',
      async (theme) => {
        const { gateway } = await startBoth();
        for (let i = 0; i < 12; i++) await ask(gateway, i % 3 ? 1 : 0);
        const { page, complaints } = await openPage({ colorScheme: theme });
        await page.goto(`${gateway.url}/dashboard`);
        await page.locator('.chart canvas').first().waitFor();
        const ground = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
        const chosenBySystem = await ground();
        await expect.poll(() => drawnWith(page, '--muted')).toBe(true);
        expect(await violationsOn(page)).toEqual([]);
        await page.locator('#theme').click();
        expect(await ground()).not.toBe(chosenBySystem);
        await page.locator('.chart canvas').first().waitFor();
        await expect.poll(() => drawnWith(page, '--muted')).toBe(true);
        expect(await violationsOn(page)).toEqual([]);
        const toggled = await ground();
        await page.reload();
        expect(await ground()).toBe(toggled);
        expect(complaints).toEqual([]);
      },
    );

    test('fits a phone of 360 pixels without scrolling sideways, every part of it', async () => {
      const { gateway } = await startBoth();
      for (let i = 0; i < 12; i++) await ask(gateway, i % 3 ? 1 : 0);
      const { page, complaints } = await openPage({
        viewport: { width: 360, height: 740 },
        isMobile: true,
        hasTouch: true,
      });
      await page.goto(`${gateway.url}/dashboard`);
      await page.locator('.chart canvas').first().waitFor();
      expect(await scrollsSideways(page)).toBe(false);
      expect(await violationsOn(page)).toEqual([]);
      await page.locator('#decisions tbody button').first().tap();
      await page.getByRole('dialog').getByRole('heading', { name: 'Candidates' }).waitFor();
      expect(await scrollsSideways(page)).toBe(false);
      expect(complaints).toEqual([]);
    });

    test('has each chart as a table too, and changes its time and its address by the keyboard', async () => {
      const { gateway } = await startBoth();
      for (let i = 0; i < 5; i++) await ask(gateway, 1);
      const { page, complaints } = await openPage();
      await page.goto(`${gateway.url}/dashboard`);
      await page.getByText('Traffic as a table').click();
      await expect
        .poll(
          () => page.getByRole('group', { name: 'Traffic over time, as a table' }).locator('tbody tr').count(),
          PATIENCE,
        )
        .toBeGreaterThan(5);
      await page.getByRole('radio', { name: 'Day', exact: true }).focus();
      await page.keyboard.press('Space');
      await expect.poll(() => new URL(page.url()).search, PATIENCE).toContain('range=day');
      await expect.poll(() => tile(page, 'Requests').locator('.value').textContent(), PATIENCE).toBe('5');
      expect(complaints).toEqual([]);
    });

    test('shows a model’s name as text, whatever it is', async () => {
      const upstream = await startFakeUpstream(answer('Hi'));
      const name = '<img/src/onerror=alert(1)>';
      const gateway = await startTestGateway(simpleConfig(upstream.url).replaceAll('fake/small', `"fake/${name}"`));
      onTestFinished(async () => {
        await gateway.close();
        await upstream.close();
      });
      for (let i = 0; i < 4; i++) await ask(gateway, 1);
      const { page, complaints } = await openPage();
      await page.goto(`${gateway.url}/dashboard`);
      await page.locator('#models').getByText('onerror=alert(1)>').waitFor();
      await page.locator('#decisions tbody button').first().click();
      await page.getByRole('dialog').getByRole('heading', { name: 'Candidates' }).waitFor();
      expect(await page.locator('img').count()).toBe(0);
      expect(complaints).toEqual([]);
    });

    test('comes back by itself after the gateway was away', async () => {
      const upstream = await startFakeUpstream(answer('Hi'));
      onTestFinished(() => upstream.close());
      const first = await startTestGateway(simpleConfig(upstream.url));
      await ask(first);
      const { page } = await openPage();
      await page.goto(`${first.url}/dashboard`);
      await page.locator('#live[data-state="live"]').waitFor();
      const { port } = new URL(first.url);
      await first.close();
      await page.locator('#live[data-state="lost"]').waitFor();
      const again = await startTestGateway(`${simpleConfig(upstream.url)}\nserver: { host: 127.0.0.1, port: ${port} }`);
      onTestFinished(() => again.close());
      await page.locator('#live[data-state="live"]').waitFor({ timeout: 30_000 });
    });
  },
);

const PATIENCE = { timeout: 15_000, interval: 100 };

/** Whether the first chart has a point of this colour of the style sheet as it is now: what it writes its axes with. */
const drawnWith = (page: Page, name: string): Promise<boolean> =>
  page.evaluate(`(() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = 'var(${name})';
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    const canvas = document.querySelector('.chart canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.length; i += 4)
      if (wanted.every((part, at) => data[i + at] === part) && data[i + 3] === 255) return true;
    return false;
  })()`);
