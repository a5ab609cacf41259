/** For the tests inside workerd: a provider beside it, since nothing in there can listen. */
import type { TestProject } from 'vitest/node';
import { type ProviderUrls, startProvider } from '../outside/provider.ts';

declare module 'vitest' {
  interface ProvidedContext {
    provider: ProviderUrls;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const provider = await startProvider();
  project.provide('provider', provider.urls);
  return provider.close;
}
