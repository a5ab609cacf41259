import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { directory } from './run-cli.ts';

/** A package whose source and compiled files say which they are, written at these times in seconds; null: not there. */
function started({ source, compiled }: { source: number | null; compiled: number | null }): string {
  const folder = directory({ 'package.json': '{ "type": "module" }' });
  mkdirSync(join(folder, 'bin'));
  cpSync(join(import.meta.dirname, '../../bin/conduit.js'), join(folder, 'bin/conduit.js'));
  const write = (path: string, says: string, at: number | null): void => {
    if (at === null) return;
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), `console.log('${says}');`);
    utimesSync(join(folder, path), at, at);
  };
  write('src/cli.ts', 'source', source);
  write('src/deep/other.ts', 'never', source);
  write('dist/cli.js', 'compiled', compiled);
  // A folder's own time is that of its newest entry.
  if (source !== null) for (const path of ['src/deep', 'src']) utimesSync(join(folder, path), source, source);
  return execFileSync(process.execPath, [join(folder, 'bin/conduit.js')], { encoding: 'utf8' }).trim();
}

describe('the command', () => {
  test('starts compiled where that is up to date', () => {
    expect(started({ source: 1_000, compiled: 2_000 })).toBe('compiled');
  });

  test('starts from the source where that has changed since, or nothing was compiled', () => {
    expect(started({ source: 2_000, compiled: 1_000 })).toBe('source');
    expect(started({ source: 1_000, compiled: null })).toBe('source');
  });

  test('starts compiled where there is no source, as in the published package', () => {
    expect(started({ source: null, compiled: 1_000 })).toBe('compiled');
  });

  test('runs as it is compiled', () => {
    const root = join(import.meta.dirname, '../..');
    const folder = directory();
    execFileSync(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'),
      ...['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')],
    ]);
    for (const name of ['package.json', 'bin']) cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const run = spawnSync(process.execPath, [join(folder, 'bin/conduit.js'), 'check', '--config', 'none.yaml'], {
      encoding: 'utf8',
    });
    expect(run).toMatchObject({ status: 1, stdout: expect.stringContaining('none.yaml') });
  });
});
