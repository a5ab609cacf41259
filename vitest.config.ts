/** Four projects: everything on Node, what must also hold inside workerd, and what there needs a Redis, or a Supabase project. */
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { ioredisForWorkerd } from './test/support/ioredis-for-workerd.ts';
import { textFiles } from './test/support/text-files.ts';

/** What is waited for, not measured: a machine that runs everything at once takes longer than vitest's own second. */
const expect = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workerd/**', 'test/workerd-redis/**', 'test/workerd-supabase/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          expect,
        },
      },
      {
        plugins: [ioredisForWorkerd(), cloudflareTest({ wrangler: { configPath: './wrangler.toml' } })],
        test: {
          name: 'workerd',
          include: ['test/workerd/**/*.test.ts'],
          globalSetup: ['test/workerd/with-provider.ts'],
          testTimeout: 30_000,
          expect,
        },
      },
      {
        plugins: [
          ioredisForWorkerd(),
          textFiles(),
          cloudflareTest({
            main: './test/workerd-redis/worker.ts',
            miniflare: {
              compatibilityDate: '2026-10-01',
              compatibilityFlags: ['nodejs_compat', 'enable_request_signal'],
            },
          }),
        ],
        test: {
          name: 'workerd-redis',
          include: ['test/workerd-redis/**/*.test.ts'],
          globalSetup: './test/workerd-redis/setup.ts',
          testTimeout: 30_000,
          expect,
          hookTimeout: 30_000,
        },
      },
      {
        plugins: [
          ioredisForWorkerd(),
          textFiles(),
          cloudflareTest({
            main: './test/workerd-supabase/worker.ts',
            miniflare: {
              compatibilityDate: '2026-10-01',
              compatibilityFlags: ['nodejs_compat', 'enable_request_signal'],
              durableObjects: { CONDUIT_STATE: { className: 'ConduitState', useSQLite: true } },
            },
          }),
        ],
        test: {
          name: 'workerd-supabase',
          include: ['test/workerd-supabase/**/*.test.ts'],
          // They have one Supabase project fail in turn.
          fileParallelism: false,
          globalSetup: ['./test/workerd-supabase/setup.ts', './test/workerd-redis/setup.ts'],
          testTimeout: 30_000,
          expect,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});
