#!/usr/bin/env node
/** Starts the command line: compiled in the published package, from its source in a clone. */
import { existsSync } from 'node:fs';

const compiled = new URL('../dist/cli.js', import.meta.url);
await import(existsSync(compiled) ? compiled.href : new URL('../src/cli.ts', import.meta.url).href);
