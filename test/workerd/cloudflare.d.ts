/** What tests use of the modules that are only there inside workerd. */
declare module 'cloudflare:test' {
  import type { ObjectStorage } from 'cloudflare:workers';

  interface RunningObject {
    storage: ObjectStorage;
    /** Ends it at once, whatever it is doing. */
    abort(reason: string): void;
  }

  /** Gives the tests a Durable Object's own storage. */
  export function runInDurableObject<Result>(
    stub: unknown,
    work: (instance: unknown, state: RunningObject) => Result | Promise<Result>,
  ): Promise<Result>;
  /** False where no alarm was set. */
  export function runDurableObjectAlarm(stub: unknown): Promise<boolean>;
  /** Ends the running instance, as the platform does with one that is idle; what it keeps stays. */
  export function evictDurableObject(stub: unknown): Promise<void>;
}

declare module 'cloudflare:workers' {
  import type { StateObjects } from '../../src/stores/durable-object/verbs.ts';

  export const env: { CONDUIT_STATE: StateObjects };
}
