/** Questions from the bench to a process of its own, and their answers. */
import { type ChildProcess, fork } from 'node:child_process';

/** What a process can be asked, by name. */
export type Verbs<V> = { [Verb in keyof V]: (argument: never) => unknown };

interface Question {
  id: number;
  verb: string;
  argument: unknown;
}

type Answer = { id: number; value: unknown } | { id: number; error: string };

export interface Helper<V extends Verbs<V>> {
  ask<Verb extends keyof V & string>(
    verb: Verb,
    argument: Parameters<V[Verb]>[0],
  ): Promise<Awaited<ReturnType<V[Verb]>>>;
  pid: number;
}

/** Starts a module as a process of its own, which ends when this one does. */
export function startHelper<V extends Verbs<V>>(module: URL): Helper<V> {
  const child: ChildProcess = fork(module, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let last = 0;
  child.on('message', (answer: Answer) => {
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) asker?.reject(new Error(answer.error));
    else asker?.resolve(answer.value);
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${module.pathname} ended`));
  });
  return {
    pid: child.pid!,
    ask: (verb, argument) =>
      new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve: resolve as (value: unknown) => void, reject });
        child.send({ id: last, verb, argument } satisfies Question);
      }),
  };
}

/** The other side: answers until the asking process is gone. */
export function answerQuestions<V extends Verbs<V>>(verbs: V): void {
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole group; who asks says when it is over.
  process.on('SIGINT', () => {});
  process.on('message', async ({ id, verb, argument }: Question) => {
    const answer = await answerOf(verbs, verb, argument).then(
      (value): Answer => ({ id, value }),
      (error): Answer => ({ id, error: error instanceof Error ? error.message : String(error) }),
    );
    if (process.connected) process.send?.(answer);
  });
}

async function answerOf<V extends Verbs<V>>(verbs: V, verb: string, argument: unknown): Promise<unknown> {
  return verbs[verb as keyof V](argument as never);
}
