#!/usr/bin/env node
/**
 * Starts the command line: compiled where that is up to date, as in the published package and after `npm ci`, else from its
 * source. Node keeps what strips types from source in memory for good: some 30 MB.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`conduit needs Node 22.19 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = join(root, 'dist/cli.js');
const sources = join(root, 'src');

const changedAt = (path) => statSync(path).mtimeMs;
const isUpToDate = () =>
  existsSync(compiled) &&
  (!existsSync(sources) ||
    readdirSync(sources, { recursive: true }).every((name) => changedAt(join(sources, name)) <= changedAt(compiled)));

await import(isUpToDate() ? '../dist/cli.js' : '../src/cli.ts');
