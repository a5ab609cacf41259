/** Holds the arrows between the rooms of `src`: what may import what, and who may touch the platform. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

interface Import {
  target: string;
  /** Gone before the program runs. */
  typeOnly: boolean;
}

interface SourceFile {
  /** From `src`, with slashes. */
  path: string;
  room: string;
  code: string;
  imports: Import[];
}

const files: SourceFile[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const path = name.replaceAll('\\', '/');
    const text = readFileSync(join(SRC, name), 'utf8');
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
    return { path, room: roomOf(path), code, imports: importsOf(code) };
  });

/** The folder, or the name of a file that stands alone. */
function roomOf(path: string): string {
  return path.split('/')[0] as string;
}

function importsOf(code: string): Import[] {
  const statements = code.matchAll(/^(?:import|export)\s+(type\s+)?(?:[\w*{][^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  const calls = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g);
  return [
    ...[...statements].map(([, type, target]) => ({ target: target as string, typeOnly: type !== undefined })),
    ...[...calls].map(([, target]) => ({ target: target as string, typeOnly: false })),
  ];
}

/** Of no room, and below all: they import nothing of ours. Whoever waits may use them; the pure rooms wait for nothing. */
const LEAVES = ['within.ts'];

const isOwn = ({ target }: Import): boolean => target.startsWith('.');

/** The file of `src` that an import means. */
const resolved = (file: SourceFile, { target }: Import): string =>
  relative(SRC, join(SRC, dirname(file.path), target)).replaceAll('\\', '/');

/** Files that choose implementations and touch the platform. */
const ENTRIES = ['embed.ts', 'node.ts', 'node', 'cluster', 'storage', 'worker.ts', 'edge', 'cli.ts'];

/** Rooms that touch nothing outside. */
const PURE = ['bandit', 'context', 'signals'];

interface Room {
  /** Rooms that it may import. */
  of: readonly string[];
  /** Rooms of which it may know types alone. */
  typesOf?: readonly string[];
  /** Packages. */
  packages?: readonly string[];
}

/** Every arrow that is allowed. What is not here is not. */
const ROOMS: Readonly<Record<string, Room>> = {
  'app.ts': { of: ['http', 'dashboard', 'config'], packages: ['hono', 'hono/cors'] },
  http: {
    of: ['routing', 'metrics', 'bandit', 'signals', 'upstream', 'stores', 'config', 'evaluate'],
    packages: ['hono'],
  },
  metrics: {
    of: [],
    typesOf: ['routing'],
    packages: [
      'prom-client',
      'prom-client/lib/counter.js',
      'prom-client/lib/gauge.js',
      'prom-client/lib/histogram.js',
      'prom-client/lib/metricAggregators.js',
      'prom-client/lib/registry.js',
    ],
  },
  tracing: {
    of: ['config'],
    typesOf: ['routing'],
    packages: ['@opentelemetry/api', '@opentelemetry/resources', '@opentelemetry/sdk-trace'],
  },
  dashboard: {
    of: ['http', 'routing', 'bandit', 'signals', 'stores', 'config'],
    typesOf: ['evaluate'],
    packages: ['hono', 'hono/body-limit', 'hono/cookie', 'hono/streaming'],
  },
  routing: { of: ['bandit', 'context', 'signals', 'upstream', 'stores', 'config'] },
  upstream: { of: [], typesOf: ['config'] },
  stores: { of: [], typesOf: ['bandit', 'upstream', 'config'] },
  config: { of: [], typesOf: ['bandit', 'signals'], packages: ['zod', 'zod/mini', 'yaml'] },
  migrate: { of: ['config'], packages: ['yaml'] },
  bandit: { of: [] },
  context: { of: [] },
  signals: { of: ['bandit'], typesOf: ['upstream'], packages: ['@cfworker/json-schema'] },
  evaluate: { of: ['bandit', 'context', 'signals', 'stores', 'config'] },
  'crypto.ts': { of: [] },
  'within.ts': { of: [] },
  cli: {
    of: ['node.ts', 'cluster', 'storage', 'routing', 'stores', 'config', 'crypto.ts', 'demo', 'evaluate', 'migrate'],
    packages: ['zod', 'string-width', 'wrap-ansi', '@clack/prompts'],
  },
  demo: { of: ['node.ts', 'config', 'crypto.ts'], typesOf: ['routing'], packages: ['undici'] },
};

/** Files for one platform alone, which only an entry may import, and the packages that they stand for. */
const FOR_ONE_PLATFORM: Readonly<Record<string, readonly string[]>> = {
  'dashboard/files-node.ts': [],
  'http/exchange-node.ts': ['@hono/node-server/utils/response'],
  'http/exchange-web.ts': [],
  'http/server-node.ts': [],
  'metrics/process-metrics.ts': ['prom-client/lib/defaultMetrics.js'],
  'stores/durable-object.ts': [],
  'stores/embedded.ts': [],
  'stores/embedded-reader.ts': [],
  'stores/redis.ts': [],
  'stores/redis/connection.ts': ['ioredis'],
  'stores/redis/request-connection.ts': ['ioredis'],
  'stores/redis-edge.ts': [],
  'stores/spool.ts': [],
  'stores/supabase.ts': [],
  'stores/supabase/client.ts': ['@supabase/postgrest-js'],
  'tracing/otlp-fetch.ts': ['@opentelemetry/otlp-transformer'],
  'tracing/otlp-node.ts': ['@opentelemetry/exporter-trace-otlp-http'],
  'upstream/send-undici.ts': ['undici', 'undici/lib/dispatcher/pool.js'],
  'upstream/send-fetch.ts': [],
};

/** What is made for Node, beside what says so in its name. */
const ON_NODE = [
  'crypto.ts',
  'stores/embedded.ts',
  'stores/embedded-reader.ts',
  'stores/embedded/file.ts',
  'stores/embedded/thread.ts',
  'stores/spool.ts',
  'upstream/send-undici.ts',
];

/** What a room may not reach for by itself: it is handed in. */
const PLATFORM =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bfetch\(|\bprocess\.|\bcrypto\.|\bconsole\.|\bglobalThis\b/;
const TIMERS = /\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/;

/** Each that breaks the rule, by name, so that a failure says where to look. */
const offenders = (breaks: (file: SourceFile) => string[]): string[] =>
  files.flatMap((file) => breaks(file).map((what) => `${file.path}: ${what}`));

describe('the rooms', () => {
  test('are the ones that this test knows', () => {
    const unknown = new Set(files.map(({ room }) => room).filter((room) => !ENTRIES.includes(room) && !ROOMS[room]));
    expect([...unknown]).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  });

  test('import one another along the arrows alone', () => {
    const wrong = offenders((file) => {
      if (ENTRIES.includes(file.room)) return [];
      const { of: allowed, typesOf = [] } = ROOMS[file.room] as Room;
      return file.imports.filter(isOwn).flatMap((one) => {
        const to = roomOf(resolved(file, one));
        const fine =
          to === file.room ||
          (LEAVES.includes(to) && !PURE.includes(file.room)) ||
          allowed.includes(to) ||
          (one.typeOnly && typesOf.includes(to));
        return fine ? [] : [`imports ${one.typeOnly ? 'types of ' : ''}${resolved(file, one)}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('know of the stores their port and the record that is kept, never an implementation', () => {
    const wrong = offenders((file) => {
      if (ENTRIES.includes(file.room) || file.room === 'stores') return [];
      const paths = file.imports.filter(isOwn).map((one) => resolved(file, one));
      return paths.filter((path) => path.startsWith('stores/') && !/^stores\/(ports|decision-record)\.ts$/.test(path));
    });
    expect(wrong).toEqual([]);
  });

  test('leave what is made for one platform to the entries', () => {
    const wrong = offenders((file) => {
      if (ENTRIES.includes(file.room)) return [];
      return file.imports.filter(isOwn).flatMap((one) => {
        const path = resolved(file, one);
        // What stands in the folder of a file's own name is a part of it.
        const isPart = file.path in FOR_ONE_PLATFORM && path.startsWith(file.path.replace(/\.ts$/, '/'));
        return path in FOR_ONE_PLATFORM && !one.typeOnly && !isPart ? [`imports ${path}`] : [];
      });
    });
    expect(wrong).toEqual([]);
  });

  test('import each other’s files in no circle', () => {
    const graph = new Map(
      files.map((file) => [
        file.path,
        file.imports.filter((one) => isOwn(one) && !one.typeOnly).map((one) => resolved(file, one)),
      ]),
    );
    const done = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) throw new Error(`a circle: ${[...way, path].join(' → ')}`);
      if (done.has(path)) return;
      for (const next of graph.get(path) ?? []) visit(next, [...way, path]);
      done.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
  });

  test('import files that exist', () => {
    const paths = new Set(files.map(({ path }) => path));
    const wrong = offenders((file) =>
      file.imports
        .filter(isOwn)
        .map((one) => resolved(file, one))
        .filter((path) => path.endsWith('.ts') && !path.startsWith('..') && !paths.has(path)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the platform', () => {
  test('is imported by the entries, the command line, the demo and what is made for one platform', () => {
    const wrong = offenders((file) => {
      if (ENTRIES.includes(file.room) || file.room === 'cli' || file.room === 'demo') return [];
      if (/-node\.ts$/.test(file.path) || ON_NODE.includes(file.path)) return [];
      return file.imports.map(({ target }) => target).filter((target) => target.startsWith('node:'));
    });
    expect(wrong).toEqual([]);
  });

  test('and packages stay where they belong', () => {
    const wrong = offenders((file) => {
      if (ENTRIES.includes(file.room)) return [];
      const allowed = [...((ROOMS[file.room] as Room).packages ?? []), ...(FOR_ONE_PLATFORM[file.path] ?? [])];
      const packages = file.imports.map(({ target }) => target).filter((target) => !/^(\.|node:)/.test(target));
      return packages.filter((name) => !allowed.includes(name));
    });
    expect(wrong).toEqual([]);
  });

  test('and what only workerd has stays at the edge', () => {
    const wrong = offenders((file) => {
      if (file.room === 'edge') return [];
      return file.imports.map(({ target }) => target).filter((target) => target.startsWith('cloudflare:'));
    });
    expect(wrong).toEqual([]);
  });

  test('gives no clock, no dice, no network and no process to anything below the entries but by hand', () => {
    const wrong = offenders((file) => {
      if (ENTRIES.includes(file.room) || file.room === 'cli' || file.room === 'demo') return [];
      // There `fetch` is the one that was handed in.
      if (file.path === 'upstream/send-fetch.ts' || file.path === 'tracing/otlp-fetch.ts') return [];
      return PLATFORM.exec(file.code)?.slice(0, 1) ?? [];
    });
    expect(wrong).toEqual([]);
  });

  test('gives not even a timer to the rooms that are pure', () => {
    const wrong = offenders((file) => {
      if (!PURE.includes(file.room)) return [];
      const asynchronous = /\basync\b|\bawait\b|\bnew Promise\b/;
      return [...(TIMERS.exec(file.code)?.slice(0, 1) ?? []), ...(asynchronous.exec(file.code)?.slice(0, 1) ?? [])];
    });
    expect(wrong).toEqual([]);
  });
});
