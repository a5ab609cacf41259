/** Takes over a changed config while serving: on SIGHUP, and whenever its files change. An invalid one changes nothing. */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LoadResult } from '../config/load.ts';
import { isLoopback } from '../config/loopback.ts';
import { needsRestart } from '../config/needs-restart.ts';
import type { ConduitConfig } from '../config/resolve.ts';
import type { Log } from '../node.ts';

export interface ReloadOptions {
  /** The config that the process was started with. */
  started: ConduitConfig;
  /** What is read when the config is loaded; one that is not there may come to be. */
  files: readonly string[];
  /** `textsOf(files)` from before the started config was loaded. */
  known: string;
  load: () => LoadResult;
  /** Takes a valid config over. */
  apply: (config: ConduitConfig) => Promise<void>;
  log: Log;
}

export interface Reloading {
  /** Loads again, whether or not something has changed; resolves when that is done. Never rejects. */
  reload(): Promise<void>;
  /** Looks no further. */
  stop(): void;
}

/** A file that is being written is let be until it has been the same for so long. */
const SETTLE_MS = 150;
/** File systems on a network tell nothing, and watchers run out: the files are looked at anyway. */
const LOOK_MS = 5_000;

export function startReloading(options: ReloadOptions): Reloading {
  let turn = Promise.resolve();
  // One after the other: a slow one must not overtake what came after it.
  const reload = (): Promise<void> => {
    turn = turn.then(() => {
      // Before it is loaded: what changes from now on is told.
      watching.know(textsOf(options.files));
      return takeOver(options);
    });
    return turn;
  };
  const watching = watchTexts(options, () => void reload());
  return { reload, stop: watching.stop };
}

/** The texts of all of these files as one. */
export const textsOf = (files: readonly string[]): string => JSON.stringify(files.map(textOf));

async function takeOver({ started, load, apply, log }: ReloadOptions): Promise<void> {
  try {
    const loaded = load();
    const problems = loaded.ok ? exposed(started, loaded.config) : loaded.problems;
    for (const { path, message, allowed } of problems) {
      log.error({ path, problem: message, allowed }, 'config refused: the one in use stays');
    }
    if (!loaded.ok || problems.length > 0) return;
    for (const warning of loaded.warnings) log.warn({ warning }, 'config warning');
    for (const path of needsRestart(started, loaded.config)) {
      log.warn({ path }, 'config changed where only a restart takes it over');
    }
    await apply(loaded.config);
    log.info({ models: loaded.config.models.size, routers: loaded.config.routers.size }, 'config reloaded');
  } catch (error) {
    log.error({ err: error }, 'config refused: the one in use stays');
  }
}

/** The host stays until a restart, so that a config without keys must not be taken over where it is not this machine's. */
function exposed(started: ConduitConfig, next: ConduitConfig): { path: string; message: string; allowed?: string }[] {
  if (next.keys.length > 0 || isLoopback(started.server.host)) return [];
  return [
    {
      path: 'keys',
      message: `empty, while this process still listens on ${started.server.host}`,
      allowed: 'at least one, or a restart on a loopback host',
    },
  ];
}

/**
 * Tells when one of the files has another text, once it has settled. It watches the folders, not the files: an editor puts
 * a new file in the old one's place, and Kubernetes turns a link in the folder.
 */
function watchTexts(
  { files, known: knownAtFirst, log }: ReloadOptions,
  onChange: () => void,
): { know(texts: string): void; stop(): void } {
  let known = knownAtFirst;
  let before = known;
  let timer: NodeJS.Timeout | undefined;

  const look = (): void => {
    timer = undefined;
    const now = textsOf(files);
    const settled = now === before;
    before = now;
    if (now === known) return;
    if (settled) onChange();
    else lookSoon();
  };
  const lookSoon = (): void => {
    timer ??= setTimeout(look, SETTLE_MS).unref();
  };
  const watchers = [...new Set(files.map((file) => dirname(resolve(file))))].flatMap((folder) =>
    watched(folder, lookSoon, log),
  );
  const regularly = setInterval(lookSoon, LOOK_MS).unref();

  return {
    know(texts) {
      known = texts;
    },
    stop() {
      clearInterval(regularly);
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

/** One watcher, or none where the system has none to give. */
function watched(folder: string, onEvent: () => void, log: Log): FSWatcher[] {
  const blind = (error: unknown): void =>
    log.debug({ err: error, folder }, `changes are not told here: looking every ${LOOK_MS / 1000} s`);
  try {
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', (error) => {
      watcher.close();
      blind(error);
    });
    return [watcher];
  } catch (error) {
    blind(error);
    return [];
  }
}

/** Null where it cannot be read, as between the two steps of a replacement. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
