/** Changes a config file: what would make it invalid is refused, and nobody ever finds half a file. */
import { readFileSync } from 'node:fs';
import type { Edited } from '../../config/edit-keys.ts';
import { configFromEnvironment } from '../../config/from-environment.ts';
import { type Problem, problemLine } from '../../config/load.ts';
import type { Platform } from '../../config/platform.ts';
import { readDocument } from '../../config/yaml-document.ts';
import { CommandFailed } from '../command-failed.ts';
import { configFile, DEFAULT_CONFIG_FILES, environment, loadText } from '../config-file.ts';
import { replaceFile } from './replace-file.ts';

export interface ConfigOptions {
  config?: string;
  platform: Platform;
}

export interface WrittenConfigFile {
  file: string;
  text: string;
}

/** Rejects with `CommandFailed` where there is no file, or none that can be read as YAML or JSON. */
export function readConfigFile({ config, platform }: ConfigOptions): WrittenConfigFile {
  const file = configFile(config, platform);
  if (file === null) throw new CommandFailed(noFile(platform));
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandFailed(`${file}: ${code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`}`);
  }
  const read = readDocument(text);
  if (!read.ok) throw refused(file, read.problems);
  return { file, text };
}

function noFile(platform: Platform): string {
  const name = DEFAULT_CONFIG_FILES[platform][0];
  if (platform !== 'node') return `there is no ${name} here: name one with --config`;
  return configFromEnvironment(environment())
    ? `there is no ${name} here, and the config that comes from the provider keys in the environment holds no keys of clients: ` +
        '`conduit init` writes it into a file'
    : `there is no ${name} here: name one with --config, or let \`conduit init\` write one`;
}

/**
 * Puts the edited text in the file's place. Rejects with `CommandFailed`, and changes nothing, where it is not valid as a whole;
 * `worded` may tell a problem in another way.
 */
export function writeConfigFile(
  { file, text }: WrittenConfigFile,
  edited: Edited,
  platform: Platform,
  worded: (problem: Problem) => string | null = () => null,
): void {
  if (!edited.ok) {
    const before = loadText(text, {}, platform);
    // Of an empty file it says more that it is empty.
    const ofAll = before.ok ? [] : before.problems.filter(({ path }) => path === '');
    throw refused(file, ofAll.length > 0 ? ofAll : [edited.problem]);
  }
  const loaded = loadText(edited.text, {}, platform);
  if (!loaded.ok) throw refused(file, loaded.problems, worded);
  try {
    replaceFile(file, text, edited.text);
  } catch (error) {
    if (error instanceof CommandFailed) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EBUSY' ? ', since it is mounted by itself: mount its folder' : '';
    throw new CommandFailed(`${file} cannot be written (${code}), and stays as it was${why}`);
  }
}

export const refused = (
  file: string,
  problems: readonly Problem[],
  worded: (problem: Problem) => string | null = () => null,
): CommandFailed =>
  new CommandFailed(problems.map((problem) => worded(problem) ?? `${file}: ${problemLine(problem)}`).join('\n'));
