/** What is made of the server's secret: once, and again where another secret has come. */
import type { Runtime } from './runtime.ts';

/** `make` is given the digest in use, and called again only once that is another one. */
export function keyedBy<Made>(runtime: Pick<Runtime, 'digest'>, make: (digest: Runtime['digest']) => Made): () => Made {
  let { digest } = runtime;
  let made = make(digest);
  return () => {
    if (digest !== runtime.digest) {
      ({ digest } = runtime);
      made = make(digest);
    }
    return made;
  };
}
