/** A Worker bundled as a deployment bundles it, in a workerd of its own: what it does there with whole requests, one isolate. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';

export interface Workerd {
  /** Without a slash at its end. */
  url: string;
  pid: number;
  close(): Promise<void>;
}

/** Made once, it may be served many times. */
export interface Bundle {
  folder: string;
  /** The capnp list of what was bundled. */
  modules: string;
  remove(): void;
}

export interface ServeOptions {
  /** Variables and secrets. */
  bindings: Readonly<Record<string, string>>;
  /** A certificate as PEM that it trusts, beside those that browsers do. */
  trusted?: string | null;
  /** The Worker's classes of Durable Objects, by the names of their bindings. What they keep goes with the bundle. */
  objects?: Readonly<Record<string, string>>;
  /** Where what they keep lies, as a whole path; left out: in a folder of its own each time. */
  disk?: string;
}

export interface WorkerdOptions extends ServeOptions {
  /** The Worker's module, as a whole path. */
  entry: string;
}

const COMPATIBLE_WITH = '2026-10-01';
const FLAGS = ['nodejs_compat', 'enable_request_signal'];
/** As in wrangler.toml. */
const TEXTS = ['*.yaml', 'page/*.html', 'page/*.css', 'page/*.js', 'page/*.svg', 'uplot/dist/*.css'].map(
  (glob) => `**/${glob}`,
);

/** Resolves once it takes requests. */
export async function startWorkerd({ entry, ...options }: WorkerdOptions): Promise<Workerd> {
  const bundle = await bundleWorker(entry);
  const workerd = await serveBundle(bundle, options).catch((error) => {
    bundle.remove();
    throw error;
  });
  return {
    ...workerd,
    async close() {
      await workerd.close();
      bundle.remove();
    },
  };
}

/** `entry`: the Worker's module, as a whole path. */
export async function bundleWorker(entry: string): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-workerd-'));
  // One of its own: the project's is of its own Worker.
  const config = join(folder, 'wrangler.json');
  writeFileSync(
    config,
    JSON.stringify({
      name: 'test',
      main: entry,
      compatibility_date: COMPATIBLE_WITH,
      compatibility_flags: FLAGS,
      rules: [{ type: 'Text', globs: TEXTS, fallthrough: false }],
    }),
  );
  await promisify(execFile)(
    join(import.meta.dirname, '../../node_modules/.bin/wrangler'),
    ['deploy', '--config', config, '--dry-run', '--outdir', folder, '--minify'],
    { cwd: folder, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  );
  // What is imported as text is put beside the Worker's module.
  const texts = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{40}-/.test(name))
    .map((name) => `(name = ${JSON.stringify(name)}, text = embed ${JSON.stringify(name)})`);
  const code = basename(entry).replace(/\.ts$/, '.js');
  const modules = [`(name = "worker", esModule = embed "${code}")`, ...texts].join(', ');
  return { folder, modules, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Resolves once it takes requests. To close it removes no bundle. */
export async function serveBundle(bundle: Bundle, options: ServeOptions): Promise<Workerd> {
  served += 1;
  const { bindings, trusted = null, objects = {}, disk = join(bundle.folder, `objects-${served}`) } = options;
  const variables = Object.entries(bindings).map(
    ([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`,
  );
  const classes = Object.entries(objects).map(
    ([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}")`,
  );
  const namespaces = Object.values(objects).map(
    (className) => `(className = "${className}", uniqueKey = "${className}", enableSql = true)`,
  );
  // In memory they would have no SQLite.
  if (namespaces.length > 0) mkdirSync(disk, { recursive: true });
  const storage =
    namespaces.length > 0
      ? {
          service: `(name = "disk", disk = (path = ${JSON.stringify(disk)}, writable = true)),`,
          ofWorker: 'durableObjectStorage = (localDisk = "disk"),',
        }
      : { service: '', ofWorker: '' };
  const config = join(bundle.folder, `config-${served}.capnp`);
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (
      allow = ["public", "private"],
      tlsOptions = (trustBrowserCas = true, trustedCertificates = [${trusted === null ? '' : JSON.stringify(trusted)}]),
    )),
    ${storage.service}
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${bundle.modules}],
  bindings = [${[...variables, ...classes].join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}],
  ${storage.ofWorker}
  compatibilityDate = "${COMPATIBLE_WITH}",
  compatibilityFlags = [${FLAGS.map((flag) => JSON.stringify(flag)).join(', ')}],
);
`,
  );
  // Wrangler brings it along, and its package tells where it is.
  const { default: binary } = createRequire(import.meta.url)('workerd') as { default: string };
  const child = spawn(binary, ['serve', config, '--control-fd=3'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const gone = new Promise<null>((resolve) => child.once('exit', () => resolve(null)));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  const port = await Promise.race([portToldOn(child.stdio[3] as Readable), gone]);
  if (port === null) {
    await close();
    throw new Error('workerd ended at once');
  }
  return { url: `http://127.0.0.1:${port}`, pid: child.pid as number, close };
}

/** So that each has a config file of its own. */
let served = 0;

/** It tells of what it does with a line of JSON each. */
async function portToldOn(lines: Readable): Promise<number | null> {
  for await (const line of createInterface({ input: lines })) {
    const { event, port } = JSON.parse(line) as { event: string; port?: number };
    if (event === 'listen' && port !== undefined) return port;
  }
  return null;
}
