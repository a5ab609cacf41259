/** `conduit check`: validates a config, one line a problem. */
import { type LoadResult, problemLine } from '../config/load.ts';
import type { Platform } from '../config/platform.ts';
import { orSayWhy } from './command-failed.ts';
import { configFile, DEFAULT_CONFIG_FILES, loadFile } from './config-file.ts';
import { counted } from './terminal/counted.ts';
import { printResult } from './terminal/result.ts';

export interface CheckOptions {
  config?: string;
  platform: Platform;
  json?: boolean;
}

export async function check({ config, platform, json = false }: CheckOptions): Promise<void> {
  const file = configFile(config, platform);
  const loaded = file === null ? noFile(platform) : loadFile(file, {}, platform);
  if (!loaded.ok) process.exitCode = 1;
  await orSayWhy(() =>
    printResult({ json }, { document: documentOf(file, loaded), text: () => linesOf(file, loaded) }),
  );
}

const noFile = (platform: Platform): LoadResult => ({
  ok: false,
  problems: [{ path: DEFAULT_CONFIG_FILES[platform].join(' or '), message: 'no such file' }],
});

function linesOf(file: string | null, loaded: LoadResult): string[] {
  if (!loaded.ok) return loaded.problems.map(problemLine);
  const { models, routers } = loaded.config;
  return [
    ...loaded.warnings.map((warning) => `warning: ${warning}`),
    `${file}: ok (${counted(routers.size, 'router')}, ${counted(models.size, 'model')})`,
  ];
}

/** The same names whether it is right or not, so that programs need not ask which there are. */
function documentOf(file: string | null, loaded: LoadResult) {
  return {
    ok: loaded.ok,
    file,
    problems: loaded.ok ? [] : loaded.problems,
    warnings: loaded.ok ? loaded.warnings : [],
    routers: loaded.ok ? loaded.config.routers.size : null,
    models: loaded.ok ? loaded.config.models.size : null,
  };
}
