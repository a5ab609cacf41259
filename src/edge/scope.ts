/**
 * What belongs to one request at the edge. workerd ties sockets, streams and timers to the request that made them: another one
 * that uses them waits for ever, or is told off. So whatever is open is had from the scope of the request that runs now.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Something open that lets go of itself once nobody has used it for a while. */
export interface Held {
  isOpen(): boolean;
  /** Resolves once it is closed. Never rejects. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface Scope {
  /** Lets this work end, though the answer has been given. */
  waitUntil(work: Promise<unknown>): void;
  /** What the request holds under this key: opened on first use, and again where it was closed meanwhile. */
  held<Thing extends Held>(key: object, open: () => Thing): Thing;
  /** Closes what is open, at once. It need not be called: what nobody uses any more closes itself. */
  close(): void;
}

const scopes = new AsyncLocalStorage<Scope>();

/** `waitUntil`: the platform's, of this one request. */
export function openScope(waitUntil: (work: Promise<unknown>) => void): Scope {
  const held = new Map<object, Held>();
  return {
    waitUntil,
    held<Thing extends Held>(key: object, open: () => Thing): Thing {
      const present = held.get(key) as Thing | undefined;
      if (present?.isOpen()) return present;
      const opened = open();
      held.set(key, opened);
      // workerd keeps a request's scope long after the request, and would keep with it all that was ever open in it.
      const letGo = (): void => {
        if (held.get(key) === opened) held.delete(key);
      };
      waitUntil(opened.closed.then(letGo));
      return opened;
    },
    close() {
      for (const one of held.values()) one.close();
      held.clear();
    },
  };
}

/** Whatever this work begins, however late it goes on, belongs to the scope. */
export const runInScope = <Result>(scope: Scope, work: () => Result): Result => scopes.run(scope, work);

/** Null outside of every request. */
export const currentScope = (): Scope | null => scopes.getStore() ?? null;
