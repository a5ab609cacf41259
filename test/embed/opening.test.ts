/** A gateway of which a part fails as it opens: what was open by then is let go, so that the next try finds it free. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createConduit } from '../../src/embed.ts';

const { openNodeTracer } = vi.hoisted(() => ({ openNodeTracer: vi.fn() }));
vi.mock('../../src/tracing/otlp-node.ts', () => ({ openNodeTracer }));

test('a folder that was open already is free again for the next try', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-opening-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  openNodeTracer.mockImplementationOnce(() => {
    throw new Error('no tracer');
  });
  openNodeTracer.mockReturnValue({
    observer: { answered() {}, rated() {}, saw() {}, ended() {} },
    close: async () => {},
  });
  const quiet = (): void => {};
  const conduit = createConduit(
    {
      providers: { fake: { base_url: 'http://127.0.0.1:9/v1' } },
      models: [{ id: 'fake/small', price: { input: 1, output: 2 } }],
      stores: { folder },
      telemetry: { otlp: { endpoint: 'http://127.0.0.1:9' } },
    },
    { env: {}, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } },
  );
  onTestFinished(() => conduit.close());
  await expect(conduit.ready()).rejects.toThrow('no tracer');
  await expect.poll(() => conduit.ready().then(() => 'ready', String)).toBe('ready');
});
