/**
 * The pictures in docs/images, taken from a demo run. They are committed, and so only taken anew when somebody asks for it:
 * CONDUIT_SCREENSHOTS=1 npx vitest run test/browser/screenshots.test.ts
 */
import { spawn } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { closeBrowser, NO_BROWSER, openPage } from './browser.ts';

const ROOT = new URL('../..', import.meta.url);
const FOLDER = fileURLToPath(new URL('docs/images/', ROOT));
/** How long the demo learns before its picture is taken. */
const LEARN_MS = 140_000;
/** Bytes of a picture: they are part of the repository. */
const LARGEST = 300_000;

afterAll(closeBrowser);

async function startDemo(): Promise<string> {
  const code = "import('./src/cli/demo.ts').then(({ demo }) => demo({ port: 0 }))";
  const child = spawn(process.execPath, ['-e', code], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  return await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error('the demo ended')));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      const url = /^conduit listening on (http:\S+)\n/.exec(out)?.[1];
      if (url) resolve(url);
    });
  });
}

async function picture(page: Page, name: string): Promise<void> {
  const path = `${FOLDER}${name}.png`;
  await page.screenshot({ path, animations: 'disabled' });
  expect(statSync(path).size).toBeLessThan(LARGEST);
}

const asked = process.env.CONDUIT_SCREENSHOTS === '1';

test.skipIf(!asked || NO_BROWSER !== null)('pictures of the demo', { timeout: LEARN_MS + 120_000 }, async () => {
  mkdirSync(FOLDER, { recursive: true });
  const url = `${await startDemo()}/dashboard`;
  await new Promise((resolve) => setTimeout(resolve, LEARN_MS));
  const ready = async (page: Page): Promise<void> => {
    await page.locator('.chart canvas').first().waitFor();
    await page.getByRole('heading', { name: 'What another policy would have done' }).waitFor();
    await page.locator('#report table').waitFor();
  };
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await openPage({ colorScheme, viewport: { width: 1440, height: 1078 } });
    await page.goto(url);
    await ready(page);
    await picture(page, `dashboard-${colorScheme}`);
    if (colorScheme === 'dark') continue;
    // One that was drawn among several, if there is any among the latest.
    const drawn = page.locator('#decisions tbody tr', {
      has: page.locator('td:nth-child(4)', { hasText: /^[2-8]\d%$/ }),
    });
    await ((await drawn.count()) > 0 ? drawn : page.locator('#decisions tbody tr')).last().click();
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole('dialog').getByRole('heading', { name: 'Candidates' }).waitFor();
    await picture(page, 'decision');
  }
  const phone = await openPage({ viewport: { width: 360, height: 1180 }, deviceScaleFactor: 2, isMobile: true });
  await phone.page.goto(url);
  await ready(phone.page);
  await picture(phone.page, 'dashboard-phone');
});
