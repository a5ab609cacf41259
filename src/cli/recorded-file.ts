/** Reads a file of recorded outcomes, plain or compressed, piece by piece. */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Recorded } from '../evaluate/recorded.ts';
import { CommandFailed } from './command-failed.ts';
import { readLines } from './recorded-lines.ts';

/** Rejects with `CommandFailed`, which names the line and the field that is wrong. */
export async function readRecorded(file: string): Promise<Recorded> {
  const lines = readLines();
  let number = 0;
  for await (const line of linesIn(plain(bytesIn(file), file))) {
    number++;
    if (line.trim() === '') continue;
    const problem = lines.add(line);
    if (problem !== null) throw new CommandFailed(`${file}:${number}: ${problem}`);
  }
  const recorded = lines.recorded();
  if (recorded.prompts.length === 0)
    throw new CommandFailed(`${file}: empty (allowed: one JSON object a line, the first one with prices)`);
  return recorded;
}

async function* bytesIn(file: string): AsyncGenerator<Buffer> {
  try {
    const handle = await open(file);
    // Closes the handle, too.
    yield* handle.createReadStream();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CommandFailed(`${file}: no such file`);
    throw new CommandFailed(`${file}: ${code === 'EISDIR' ? 'is a folder' : `cannot be read (${code})`}`);
  }
}

/** The bytes that a gzip file begins with (RFC 1952, 2.3.1). A name says nothing: files are renamed. */
const GZIP = [0x1f, 0x8b];

export const isGzip = (bytes: Uint8Array): boolean => GZIP.every((byte, i) => bytes[i] === byte);

export const damaged = (file: string, { message }: Error): CommandFailed =>
  new CommandFailed(`${file}: compressed, and damaged or cut off (${message})`);

async function* plain(chunks: AsyncGenerator<Buffer>, file: string): AsyncGenerator<Buffer> {
  const first = await chunks.next();
  if (first.done) return;
  const all = (async function* () {
    yield first.value;
    yield* chunks;
  })();
  if (!isGzip(first.value)) return yield* all;
  const source = Readable.from(all);
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
  try {
    yield* gunzip;
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    throw damaged(file, error as Error);
  } finally {
    source.destroy();
  }
}

/** By line feeds alone: Node's `readline` would also break at U+2028, which JSON allows inside of a text. */
async function* linesIn(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const pieces = decoder.decode(chunk, { stream: true }).split('\n');
    pieces[0] = rest + pieces[0];
    rest = pieces.pop()!;
    yield* pieces;
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
