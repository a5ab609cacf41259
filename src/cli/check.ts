/** `conduit check`: validates a config, one line a problem. */
import { problemLine } from '../config/load.ts';
import type { Platform } from '../config/platform.ts';
import { configFile, DEFAULT_CONFIG_FILES, loadFile } from './config-file.ts';

export function check({ config, platform }: { config?: string; platform: Platform }): void {
  const file = configFile(config, platform);
  if (file === null) {
    process.stdout.write(`${DEFAULT_CONFIG_FILES[platform].join(' or ')}: no such file\n`);
    process.exitCode = 1;
    return;
  }
  const loaded = loadFile(file, {}, platform);
  if (!loaded.ok) {
    for (const problem of loaded.problems) process.stdout.write(`${problemLine(problem)}\n`);
    process.exitCode = 1;
    return;
  }
  for (const warning of loaded.warnings) process.stdout.write(`warning: ${warning}\n`);
  const { models, routers } = loaded.config;
  process.stdout.write(`${file}: ok (${counted(routers.size, 'router')}, ${counted(models.size, 'model')})\n`);
}

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
