/** docs/metrics.md, the dashboard and the alerts name what a gateway tells, all of it and nothing else. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { answer, type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts';
import { simpleConfig, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Family, readMetrics, sumOf } from '../support/strict-metrics.ts';

const docs = join(import.meta.dirname, '../../docs');
const read = (file: string): string => readFileSync(join(docs, file), 'utf8');

/** Names of metrics in an expression. */
const metricsIn = (expression: string): string[] => expression.match(/\b(?:conduit|process|nodejs)_[a-z0-9_]+/g) ?? [];
const without = (name: string, suffixes: RegExp): string => name.replace(suffixes, '');

describe('what is written of the metrics', () => {
  let upstream: FakeUpstream;
  let gateway: TestGateway;
  let folder: string;
  let live: Map<string, Family>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'conduit-metrics-'));
    upstream = await startFakeUpstream(answer('Hi'));
    const rest = `stores: { durable: embedded, folder: "${folder}" }`;
    gateway = await startTestGateway(simpleConfig(upstream.url, undefined, { rest, router: 'usd_per_day: 5' }));
    const messages = [{ role: 'user', content: 'Hi' }];
    for (const stream of [true, false]) {
      const response = await gateway.post('/v1/chat/completions', { model: 'auto', messages, stream });
      await response.text();
      const decision_id = response.headers.get('x-conduit-decision');
      await gateway.post('/v1/feedback', { decision_id, signal: 'thumbs', value: 1 });
    }
    live = await vi.waitUntil(async () => {
      const seen = readMetrics(await (await gateway.get('/metrics')).text(), 'prometheus');
      return sumOf(seen, 'conduit_requests_total') === 2 && sumOf(seen, 'conduit_feedback_total') === 2 ? seen : null;
    });
  });
  afterAll(async () => {
    await gateway.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('the page has a row for each metric, with its type and its labels', () => {
    const rows = [...read('metrics.md').matchAll(/^\| `(conduit_\w+)` \| (\w+) \| ([^|]*)\|/gm)];
    const written = rows.map(([, name, type]) => `${name} ${type}`);
    const told = [...live.values()].filter(({ name }) => name.startsWith('conduit_'));
    expect(written.sort()).toEqual(told.map(({ name, type }) => `${name} ${type}`).sort());
    for (const [, name = '', , labels = ''] of rows) {
      const named = [...labels.matchAll(/`(\w+)`/g)].map((match) => match[1] as string);
      for (const sample of live.get(name)?.samples ?? []) {
        const own = Object.keys(sample.labels).filter((label) => label !== 'le');
        expect([name, ...own.sort()]).toEqual([name, ...named.sort()]);
      }
    }
  });

  test('the dashboard asks for nothing that there is not, and leaves out nothing', () => {
    const dashboard = JSON.parse(read('grafana/conduit.json')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
      templating: { list: { query: unknown }[] };
    };
    const asked = [
      ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...dashboard.templating.list.map(({ query }) => JSON.stringify(query)),
    ].flatMap(metricsIn);
    expect(asked.length).toBeGreaterThan(30);
    const names = new Set(asked.map((name) => (live.has(name) ? name : without(name, /_(bucket|sum|count)$/))));
    expect([...names].filter((name) => !live.has(name))).toEqual([]);
    const own = [...live.keys()].filter((name) => name.startsWith('conduit_'));
    expect(own.filter((name) => !names.has(name))).toEqual([]);
  });

  test('the alerts are about metrics that there are', () => {
    const { groups } = parse(read('grafana/alerts.yaml')) as {
      groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
    };
    const rules = groups.flatMap(({ rules: all }) => all);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { expr, annotations } of rules) {
      expect(annotations.summary).not.toBe('');
      expect(metricsIn(expr).filter((name) => !live.has(without(name, /_bucket$/)))).toEqual([]);
    }
  });

  test('the scrape configuration is YAML that asks for the metrics with a key', () => {
    const [, snippet = ''] = /```yaml\n(scrape_configs:.*?)```/s.exec(read('metrics.md')) ?? [];
    expect(parse(snippet)).toMatchObject({
      scrape_configs: [{ job_name: 'conduit', authorization: { credentials_file: expect.any(String) } }],
      rule_files: ['alerts.yaml'],
    });
  });
});
