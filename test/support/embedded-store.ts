/** An embedded durable store in a folder of the test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EmbeddedStore, openEmbeddedStore } from '../../src/stores/embedded.ts';

export function folderOfTheTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'conduit-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Closed after the test, however often it was closed in it. */
export async function embeddedStore(folder = folderOfTheTest()): Promise<EmbeddedStore> {
  const store = await openEmbeddedStore({ folder });
  onTestFinished(() => store.close());
  return store;
}
