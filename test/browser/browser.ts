/** A real Chromium, where there is one; tests that need it are skipped by this word where there is none. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';

const PLACES = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = PLACES.find((path): path is string => path !== undefined && path !== '' && existsSync(path));

/** Null where a browser is here. */
export const NO_BROWSER: string | null = found ? null : 'no chromium here (CHROMIUM_PATH names one)';

/** This machine by a name that a browser trusts less than `localhost`, as it does any host without https. */
export const OTHER_HOST = 'conduit.test';

let launched: Promise<Browser> | null = null;

/** The one browser of a file's tests. */
export function browser(): Promise<Browser> {
  launched ??= chromium.launch({
    executablePath: found as string,
    // Whoever is root, as in a container, has no sandbox; nothing but this gateway's own page is opened.
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--force-color-profile=srgb',
      `--host-resolver-rules=MAP ${OTHER_HOST} 127.0.0.1`,
    ],
  });
  return launched;
}

export async function closeBrowser(): Promise<void> {
  await (await launched)?.close();
  launched = null;
}

export interface Opened {
  page: Page;
  /** What the browser complained of: errors, and what its policy refused. */
  complaints: string[];
}

/** A page of its own, with nothing remembered; gone after the test. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await (await browser()).newContext({ viewport: { width: 1440, height: 1000 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  return { page, complaints };
}
