/** A real PostgreSQL of a test's own, on a free port and in a folder of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './redis-server.ts';

const BINARIES = binariesFolder();
/** PostgreSQL does not run as root. */
const IS_ROOT = process.getuid?.() === 0;
const PLAIN_USER = IS_ROOT ? plainUser() : null;

/** Why the tests that need one are skipped; null where there is one. */
export const NO_POSTGRES = whyNone();

function binariesFolder(): string | null {
  // Debian keeps them out of the path.
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = [...versions.map((version) => join(root, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) ?? null;
}

function plainUser(): { uid: number; gid: number } | null {
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name], { stdio: 'pipe' })));
      return { uid: uid as number, gid: gid as number };
    } catch {}
  }
  return null;
}

function whyNone(): string | null {
  if (BINARIES === null) return 'there is no PostgreSQL on this machine';
  return IS_ROOT && PLAIN_USER === null ? 'PostgreSQL does not run as root, and there is no other user' : null;
}

export interface PostgresServer {
  port: number;
  /** Of a database, `postgres` unless told otherwise. */
  url(database?: string): string;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /** Runs a file as `psql -f` does, and throws at its first error. */
  psql(url: string, file: string): string;
  close(): Promise<void>;
}

export async function startPostgresServer(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-postgres-'));
  if (PLAIN_USER) chownSync(folder, PLAIN_USER.uid, PLAIN_USER.gid);
  const data = join(folder, 'data');
  const port = await freePort();
  const program = (name: string): string => join(BINARIES as string, name);
  const as = { ...PLAIN_USER, cwd: folder };
  const creation = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
  execFileSync(program('initdb'), creation, { ...as, stdio: 'ignore' });
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: folder, fsync: 'off' };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(program('postgres'), ['-D', data, ...args], { ...as, stdio: 'ignore' });

  const url = (database = 'postgres'): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  await untilItAnswers(url(), child);
  return {
    port,
    url,
    async createDatabase(name) {
      const client = new Client({ connectionString: url() });
      await client.connect();
      await client.query(`create database ${client.escapeIdentifier(name)}`);
      await client.end();
      return url(name);
    },
    psql: (database, file) =>
      execFileSync(program('psql'), ['-X', '-v', 'ON_ERROR_STOP=1', '-f', file, database], {
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    async close() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      // It ends at once, connections or not.
      if (child.exitCode === null && child.kill('SIGQUIT')) await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
