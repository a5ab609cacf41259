/**
 * What the dashboard weighs and takes: its bytes, its first paint in a real Chromium on loopback, and what a page that watches
 * costs the gateway. `node bench/dashboard.ts`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { noRatedSigns } from '../src/bandit/sign-sums.ts';
import { emptyActivity, foldDecision } from '../src/dashboard/activity.ts';
import { activityJson } from '../src/dashboard/activity-json.ts';
import { calibrate } from '../src/signals/calibration.ts';
import { decision } from '../test/stores/state-store-suite.ts';
import { answer, startFakeUpstream } from '../test/support/fake-upstream.ts';
import { simpleConfig, startTestGateway } from '../test/support/gateway.ts';

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

const upstream = await startFakeUpstream(answer('Hi'));
const gateway = await startTestGateway(simpleConfig(upstream.url));
for (let i = 0; i < 200; i++) {
  const messages = [{ role: 'user', content: `Question ${i * 7919}` }];
  await (await gateway.post('/v1/chat/completions', { model: 'auto', messages })).text();
}

const own = new URL('../src/dashboard/page/', import.meta.url);
const files = readdirSync(own).filter((name) => name !== 'sign-in.html' && name !== 'not-found.html');
const weigh = (text: Buffer): number => gzipSync(text, { level: 9 }).length;
const uplot = ['uPlot.iife.min.js', 'uPlot.min.css'].map((name) =>
  weigh(readFileSync(new URL(`../node_modules/uplot/dist/${name}`, import.meta.url))),
);
const ownBytes = files.reduce((sum, name) => sum + weigh(readFileSync(new URL(name, own))), 0);
const all = ownBytes + uplot.reduce((sum, bytes) => sum + bytes, 0);
console.log(`page, gzipped: ${(all / 1000).toFixed(1)} kB, of which uPlot ${(uplot[0]! / 1000).toFixed(1)} kB`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
const paints: number[] = [];
const charts: number[] = [];
const empty: number[] = [];
const PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime";
for (let i = 0; i < 12; i++) {
  // A context of its own has an empty cache.
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.url}/health`, { waitUntil: 'networkidle' });
  empty.push(await page.evaluate<number>(PAINT));
  await page.goto('about:blank');
  await page.goto(`${gateway.url}/dashboard`);
  await page.locator('.chart canvas').first().waitFor();
  charts.push(await page.evaluate<number>('performance.now()'));
  paints.push(await page.evaluate<number>(PAINT));
  await context.close();
}
await browser.close();
console.log(
  `first paint with an empty cache: median ${median(paints).toFixed(0)} ms, ` +
    `${Math.min(...paints).toFixed(0)} to ${Math.max(...paints).toFixed(0)}; charts drawn: median ${median(charts).toFixed(0)} ms; first paint of /health: median ${median(empty).toFixed(0)} ms`,
);
await gateway.close();
await upstream.close();

const now = Date.now();
const activity = emptyActivity({ baseline: 'openai/large', prices: new Map() });
const many = Array.from({ length: 20_000 }, (_, i) => decision({ created: now - i * 100 }));
let startedAt = performance.now();
for (const one of many) foldDecision(activity, one, now, true);
console.log(`counting a decision: ${((1000 * (performance.now() - startedAt)) / many.length).toFixed(1)} µs`);
const worth = calibrate({ rated: noRatedSigns(), said: { good: 0, weight: 0 }, pairs: new Map() });
startedAt = performance.now();
let bytes = 0;
for (let i = 0; i < 200; i++)
  bytes = JSON.stringify(activityJson(activity, 'hour', activity.changes, worth, now)).length;
console.log(`one look at what changed: ${((performance.now() - startedAt) / 200).toFixed(2)} ms, ${bytes} bytes`);
process.exit(0);
