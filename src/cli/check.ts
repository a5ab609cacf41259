/** `conduit check`: validates a config, one line a problem. */
import { problemLine } from '../config/load.ts';
import { configFile, DEFAULT_CONFIG_FILES, loadFile } from './config-file.ts';

export function check({ config }: { config?: string }): void {
  const file = configFile(config);
  if (file === null) {
    process.stdout.write(`${DEFAULT_CONFIG_FILES.join(' or ')}: no such file\n`);
    process.exitCode = 1;
    return;
  }
  const loaded = loadFile(file);
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
