/** `conduit init`: writes a commented config of the provider keys and the model servers that it finds. */
import { existsSync } from 'node:fs';
import { presetsIn } from '../config/from-environment.ts';
import type { Environment } from '../config/interpolate.ts';
import { type Problem, problemLine } from '../config/load.ts';
import { PRESETS } from '../config/presets.ts';
import { startingConfigText } from '../config/starting-config.ts';
import { sha256Hex } from '../crypto.ts';
import { CommandFailed, orSayWhy } from './command-failed.ts';
import { DEFAULT_CONFIG_FILES, environment, loadText } from './config-file.ts';
import { type AnswerOptions, type Answers, answersIn, defaultAnswers } from './init/answers.ts';
import { compose } from './init/compose.ts';
import { find } from './init/find.ts';
import { baseUrlOf } from './init/local-servers.ts';
import { type NewKey, summaryDocument, summaryLines, type Written } from './init/summary.ts';
import { writeNewFile } from './new-file.ts';
import { newKey } from './new-key.ts';
import { printResult, writeToStdout } from './terminal/result.ts';
import { type Screen, screenOf } from './terminal/screen.ts';

export interface InitOptions extends AnswerOptions {
  config?: string;
  force?: boolean;
  yes?: boolean;
  offline?: boolean;
  local: readonly string[];
  stdout?: boolean;
  json?: boolean;
}

export async function init(options: InitOptions): Promise<void> {
  await orSayWhy(() => written(options), 'conduit init: ');
}

async function written(options: InitOptions): Promise<void> {
  const { force = false, offline = false, json = false } = options;
  const file = fileOf(options);
  const local = options.local.map(localUrl);
  if (offline && options.local.length > 0)
    throw new CommandFailed('--local names a server to ask, and --offline asks none');
  const env = environment();
  if (!offline) sayWhoIsAsked(env);
  const found = await find(env, { local, offline });
  for (const warning of found.warnings) say(`warning: ${warning}`);
  if (found.models.length === 0) throw new CommandFailed(nothingFound(offline));

  const given = answersIn(options, found);
  const answers = asksAPerson(options)
    ? await (await import('./init/questions.ts')).ask(found, given, env)
    : { ...defaultAnswers(found, env), ...given };
  const keys = newKeys(answers);
  const composed = compose(found, answers, {
    keys: keys.map(({ name, key, admin }) => ({ name, sha256: sha256Hex(key), admin })),
    date: new Date().toISOString().slice(0, 10),
  });
  const text = startingConfigText(composed.config);
  const loaded = loadText(text);
  if (!loaded.ok) throw new CommandFailed(notRight(loaded.problems));
  const late = [...composed.warnings, ...loaded.warnings];
  for (const warning of late) say(`warning: ${warning}`);

  if (file !== null) writeNewFile(file, text, { force });
  const told: Written = { file, composed, leftOut: found.leftOut, warnings: [...found.warnings, ...late], keys };
  if (file !== null) {
    const result = { document: summaryDocument(told), text: (screen: Screen) => summaryLines(told, screen) };
    return printResult({ json }, result).catch((error: Error) => {
      // The config is written first: keys that are shown must be ones that count.
      if (!(error instanceof CommandFailed) || keys.length === 0) throw error;
      throw new CommandFailed(`${error.message}: nobody has the keys of ${file}, so write it again with --force`);
    });
  }
  for (const line of summaryLines(told, screenOf(process.stderr))) say(line);
  await writeToStdout(text);
}

/** Where to write, null for stdout; checked before anybody is asked anything. */
function fileOf({ config, force, stdout, json }: InitOptions): string | null {
  if (stdout) {
    if (json) throw new CommandFailed('--stdout prints the config, and --json what was found: only one of them fits');
    if (config !== undefined) throw new CommandFailed('--stdout writes no file: --config does not go with it');
    return null;
  }
  if (config?.endsWith('.json'))
    throw new CommandFailed('--config: what is written is YAML (allowed: a name such as conduit.yaml)');
  const file = config ?? 'conduit.yaml';
  // Without a name given, a conduit.json that is there would be passed over from then on.
  const there = (config === undefined ? DEFAULT_CONFIG_FILES.node : [file]).find((name) => existsSync(name));
  if (there !== undefined && !force) {
    const whatForce = there === file ? 'overwrites it' : `writes ${file}, which then goes before it`;
    throw new CommandFailed(`${there} is there already; --force ${whatForce}`);
  }
  return file;
}

function localUrl(address: string): string {
  const url = baseUrlOf(address);
  if (url !== null) return url;
  throw new CommandFailed('--local: no address (allowed: HOST:PORT, or an http or https URL without user and query)');
}

/** Questions are for somebody who sees them and can answer. */
function asksAPerson({ yes, json }: InitOptions): boolean {
  return !yes && !json && process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Whoever lets others call needs a key for them, and one for the dashboard, which a plain key does not open. */
function newKeys({ callers }: Answers): NewKey[] {
  if (callers === 'this-machine') return [];
  return [
    { name: 'team', key: newKey(), admin: false },
    { name: 'ops', key: newKey(), admin: true },
  ];
}

/** Most of it is right by the way it is made; what stands in variables may not be. */
function notRight(problems: readonly Problem[]): string {
  const wayOut = problems.every(({ path }) => path.startsWith('stores')) ? ' (--keep folder goes without)' : '';
  return `the config would not be right: ${problems.map(problemLine).join('; ')}${wayOut}`;
}

function sayWhoIsAsked(env: Environment): void {
  say('looking for model servers on this machine');
  const asked = presetsIn(env).flatMap(({ vendor }) => (vendor === 'ollama' ? [] : [vendor]));
  if (asked.length === 0) return;
  say(`asking which models the keys may use (not with --offline):\n  ${asked.join(', ')}`);
}

function nothingFound(offline: boolean): string {
  const variables = PRESETS.filter(({ vendor }) => vendor !== 'ollama').map(({ variable }) => variable);
  return [
    'nothing to write a config of was found. Ways on:',
    '  - set a provider key, in the environment or in a file .env here:',
    ...[variables.slice(0, 4), variables.slice(4)].map((some) => `    ${some.join(', ')}`),
    offline
      ? '  - leave out --offline, which looks for no Ollama, LM Studio, vLLM or llama.cpp'
      : '  - start Ollama, LM Studio, vLLM or llama.cpp, or name a server: --local URL',
    '  - watch it learn without any: npx conduit-gateway demo',
  ].join('\n');
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
