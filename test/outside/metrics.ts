/** What an operator's Prometheus gets. */
import { afterEach, describe, expect, test } from 'vitest';
import { readMetrics, sumOf } from '../support/strict-metrics.ts';
import { type Gateway, type Platform, simpleConfig, startGateway } from './gateway.ts';
import { answer } from './scripts.ts';

export function metricsSuite(platform: Platform): void {
  describe('the metrics', () => {
    let gateway: Gateway;
    afterEach(() => gateway.close());

    test('count what was asked, refused and spent, in both formats by the letter', async () => {
      gateway = await startGateway(platform, simpleConfig(['small']));
      const messages = [{ role: 'user', content: 'Hi' }];
      await gateway.provider.tell('*', answer('Hello.'));
      await gateway.decisionOf(await gateway.complete({ messages }));
      const streamed = await gateway.complete({ messages, stream: true });
      await streamed.text();
      await gateway.decisionOf(streamed);
      expect((await gateway.complete({ messages, model: 'nonsense' })).status).toBe(404);

      const read = async (accept: string, format: 'prometheus' | 'openmetrics') => {
        const response = await gateway.fetch('/metrics', { headers: { accept } });
        expect(response.status).toBe(200);
        return readMetrics(await response.text(), format);
      };
      for (const families of [
        await read('text/plain', 'prometheus'),
        await read('application/openmetrics-text; version=1.0.0', 'openmetrics'),
      ]) {
        expect(sumOf(families, 'conduit_requests_total', { router: 'auto', outcome: 'completed' })).toBe(2);
        expect(sumOf(families, 'conduit_responses_total', { route: 'chat/completions', status: '404' })).toBe(1);
        expect(sumOf(families, 'conduit_spent_usd_total', { model: 'fake/small' })).toBeGreaterThan(0);
        expect(sumOf(families, 'conduit_request_duration_seconds_count')).toBe(2);
        expect(sumOf(families, 'conduit_store_up', { store: 'state' })).toBe(1);
      }
    });
  });
}
