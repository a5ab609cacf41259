/** The clients of the bench, a process of their own: load in a closed loop, clients that leave, clients that watch a break. */
import { answerQuestions } from './ask.ts';
import { type Answer, type Connection, createConnection } from './connection.ts';
import { type Address, createTalkers } from './conversations.ts';
import type { Departure } from './mock.ts';

export interface Load {
  address: Address;
  stream: boolean;
  connections: number;
  /** Each client begins so much later than the one before it, so that paced streams do not fall into step. */
  staggerMs?: number;
  /** When to stop asking; what has been asked is waited for. */
  until: { seconds: number } | { requests: number };
}

export interface LoadResult {
  completed: number;
  failed: number;
  seconds: number;
  firstByteMs: { p50: number; p99: number };
  /** Of the first answer that failed. */
  why?: string;
}

export interface Holding {
  address: Address;
  stream: boolean;
  connections: number;
  /** Each client is there once it has got so many chunks. */
  chunks: number;
}

/** How a client saw a stream end. */
export interface Ending {
  chunks: number;
  end: 'error event' | 'cut off' | 'looks whole';
}

export interface LoadVerbs {
  run(load: Load): Promise<LoadResult>;
  /** Resolves when each client is there. */
  hold(holding: Holding): Promise<void>;
  /** All clients that are held leave at once. */
  leave(argument: null): Departure[];
  watch(watching: { address: Address; streams: number }): Promise<Ending[]>;
}

/** A target that is silent for so long has stalled. */
const STALL_MS = 15_000;

let held: { connection: Connection; number: string }[] = [];

answerQuestions<LoadVerbs>({
  run,
  hold,
  leave() {
    const left = held.map(({ connection, number }) => {
      connection.close();
      return { number, atMs: Number(process.hrtime.bigint()) / 1e6 };
    });
    held = [];
    return left;
  },
  async watch({ address, streams }) {
    const talkers = createTalkers(address, true);
    const endings: Ending[] = [];
    for (let i = 0; i < streams; i++) endings.push(await watchOne(address, talkers()().bytes));
    return endings;
  },
});

function run({ address, stream, connections, staggerMs = 0, until }: Load): Promise<LoadResult> {
  const newTalker = createTalkers(address, stream);
  const firstBytes: number[] = [];
  const clients: Connection[] = [];
  const startedAt = performance.now();
  const deadline = 'seconds' in until ? startedAt + until.seconds * 1000 : Number.POSITIVE_INFINITY;
  let toBegin = 'requests' in until ? until.requests : Number.POSITIVE_INFINITY;
  let failed = 0;
  let why: string | undefined;
  let running = connections;
  let lastAnswerAt = startedAt;

  return new Promise((resolve) => {
    const stop = (): void => {
      clearInterval(watchdog);
      for (const client of clients) client.close();
      firstBytes.sort((a, b) => a - b);
      resolve({
        completed: firstBytes.length,
        failed,
        seconds: (lastAnswerAt - startedAt) / 1000,
        firstByteMs: { p50: quantile(firstBytes, 0.5), p99: quantile(firstBytes, 0.99) },
        ...(why !== undefined && { why }),
      });
    };
    const watchdog = setInterval(() => {
      if (performance.now() - lastAnswerAt < STALL_MS) return;
      failed += running;
      why ??= `no answer for ${STALL_MS / 1000} s`;
      stop();
    }, 1_000);
    const startClient = (): void => {
      const client = createConnection(address);
      const talk = newTalker();
      clients.push(client);
      const askNext = (): void => {
        const hopeless = failed >= 50 && firstBytes.length === 0;
        if (toBegin === 0 || hopeless || performance.now() >= deadline) {
          running -= 1;
          if (running === 0) stop();
          return;
        }
        toBegin -= 1;
        client.send(talk().bytes, answered);
      };
      const answered = (answer: Answer): void => {
        lastAnswerAt = performance.now();
        if (answer.status === 200 && answer.ended === 'whole') firstBytes.push(answer.firstByteMs);
        else {
          failed += 1;
          why ??= answer.status === 200 ? answer.ended : `status ${answer.status}`;
        }
        // A refused connection must not end in endless recursion.
        if (answer.status === 0) setImmediate(askNext);
        else askNext();
      };
      askNext();
    };
    for (let i = 0; i < connections; i++) {
      if (staggerMs === 0) startClient();
      else setTimeout(startClient, i * staggerMs);
    }
  });
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

async function hold({ address, stream, connections, chunks }: Holding): Promise<void> {
  const newTalker = createTalkers(address, stream);
  const there = Array.from({ length: connections }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let seen = 0;
    const connection = createConnection(address, (bytes) => {
      seen += countChunks(bytes.toString('latin1'));
      if (seen >= chunks) resolve();
    });
    const { bytes, number } = newTalker()();
    held.push({ connection, number });
    connection.send(bytes, ({ status, ended }) => reject(new Error(`status ${status}, ${ended}`)));
    if (chunks === 0) resolve();
    return promise;
  });
  const late = new Promise<void>((_, reject) => {
    setTimeout(reject, STALL_MS, new Error('stalled')).unref();
  });
  await Promise.race([Promise.all(there), late]);
}

function countChunks(text: string): number {
  return text.split('"content":"').length - 1;
}

function watchOne(address: Address, request: Buffer): Promise<Ending> {
  return new Promise((resolve, reject) => {
    let body = '';
    const connection = createConnection(address, (bytes) => {
      body += bytes.toString('latin1');
    });
    const stalled = setTimeout(() => {
      connection.close();
      reject(new Error('stalled'));
    }, STALL_MS);
    connection.send(request, ({ status, ended }) => {
      clearTimeout(stalled);
      connection.close();
      if (status !== 200) return reject(new Error(`status ${status}`));
      const told = /data: *\{"error"/.test(body) && !body.includes('data: [DONE]');
      const end = told ? 'error event' : ended === 'whole' ? 'looks whole' : 'cut off';
      resolve({ chunks: countChunks(body), end });
    });
  });
}
