/** `conduit import-litellm`: writes a config that answers to the names of a LiteLLM proxy's, and says what became of each setting. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Environment, loadConfig, problemLine } from '../config/load.ts';
import { sha256Hex } from '../crypto.ts';
import { importLiteLlm } from '../migrate/litellm/import.ts';
import type { Note, NoteKind } from '../migrate/litellm/notes.ts';
import { CommandFailed, orSayWhy } from './command-failed.ts';
import { environment } from './config-file.ts';
import { writeNewFile } from './new-file.ts';
import { counted } from './terminal/counted.ts';
import { paragraph } from './terminal/paragraph.ts';
import { printResult, writeToStdout } from './terminal/result.ts';
import { type Screen, screenOf } from './terminal/screen.ts';
import { shellWord } from './terminal/shell-word.ts';
import { tableLines } from './terminal/table.ts';

const STDIO = '-';

export interface ImportLiteLlmOptions {
  /** `-` for stdout. */
  config?: string;
  force?: boolean;
  json?: boolean;
}

export async function importLiteLlmFile(file: string, options: ImportLiteLlmOptions): Promise<void> {
  await orSayWhy(() => importFrom(file, options));
}

async function importFrom(
  file: string,
  { config: out = 'conduit.yaml', force = false, json = false }: ImportLiteLlmOptions,
): Promise<void> {
  if (out !== STDIO && existsSync(out) && !force)
    throw new CommandFailed(`${out}: is there already (allowed: another --config, or --force, which overwrites it)`);
  const text = textOf(file);
  if (text === null) throw new CommandFailed(`${file}: cannot be read (allowed: a LiteLLM config, or - for stdin)`);
  const env = setVariables();
  const imported = importLiteLlm({
    text,
    include: (name) => textOf(resolve(file === STDIO ? '.' : dirname(file), name)),
    env,
  });
  const { notes } = imported;
  if (!imported.ok) {
    const lines = json ? [] : noteLines(notes, screenOf(process.stderr));
    for (const line of lines) process.stderr.write(`${line}\n`);
    throw new CommandFailed(`${file}: ${imported.why}`);
  }
  const { standIns } = imported;
  const remarks = remarksOn(imported.text, standIns, env);
  const missing = Object.keys(standIns).filter((name) => !Object.hasOwn(env, name));
  // Keys in clear may stand in it: nobody else needs to read it.
  if (out !== STDIO) writeNewFile(out, imported.text, { force, mode: 0o600 });
  const said = (screen: Screen): string[] => [...noteLines(notes, screen), ...nextLines(out, remarks, missing, screen)];
  if (out === STDIO && !json) {
    await writeToStdout(imported.text);
    process.stderr.write(said(screenOf(process.stderr)).join('\n').concat('\n'));
    return;
  }
  const document = {
    config: out,
    ...(out === STDIO && { text: imported.text }),
    notes: notes.map(({ path, kind, message }) => ({ path, kind: kind.replace(' ', '_'), message })),
    ...remarks,
    variables_not_set: missing,
  };
  await printResult({ json }, { document, text: said });
}

/** An empty variable is as good as none. */
function setVariables(): Record<string, string> {
  const set = Object.entries(environment()).filter(([, value]) => (value ?? '') !== '');
  return Object.fromEntries(set) as Record<string, string>;
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path === STDIO ? 0 : path, 'utf8');
  } catch {
    return null;
  }
}

interface Remarks {
  warnings: string[];
  problems: string[];
}

/** What `conduit check` says of it with the variables as they are here; those that are not set are told of by themselves. */
function remarksOn(text: string, standIns: Environment, env: Environment): Remarks {
  const loaded = loadConfig({ text, env: { ...standIns, ...env }, sha256Hex });
  return loaded.ok
    ? { warnings: loaded.warnings, problems: [] }
    : { warnings: [], problems: loaded.problems.map(problemLine) };
}

function nextLines(out: string, { warnings, problems }: Remarks, missing: readonly string[], screen: Screen): string[] {
  const sentences = [
    ...problems.map((problem) => `problem: ${problem}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...(missing.length > 0 ? [`variables that are not set here: ${missing.join(', ')}`] : []),
  ];
  return [
    '',
    ...sentences.flatMap((sentence) => paragraph(sentence, screen)),
    ...(out === STDIO
      ? []
      : [
          ...paragraph(`wrote ${out}; next:`, screen),
          // Whole, to be copied.
          `  conduit check --config ${shellWord(out)}`,
          `  conduit serve --config ${shellWord(out)} --port 4000`,
          ...paragraph("Clients' base URL must end in /v1, without which LiteLLM answers, too.", screen),
        ]),
  ];
}

const HEADS: readonly (readonly [NoteKind, string])[] = [
  ['mapped', 'Taken over'],
  ['changed', 'Changed'],
  ['left out', 'Left out'],
];

/** What matters most stands last, next to the prompt. */
function noteLines(notes: readonly Note[], screen: Screen): string[] {
  return HEADS.flatMap(([kind, head], index) => {
    const ofKind = notes.filter((note) => note.kind === kind);
    if (ofKind.length === 0) return [];
    const columns = [{ head: 'setting' }, { head: 'in Conduit' }];
    return [
      ...(index > 0 ? [''] : []),
      screen.style.bold(`${head}: ${counted(ofKind.length, 'setting')}`),
      ...tableLines(columns, rowsOf(ofKind), screen),
    ];
  });
}

/** What is said of several settings of one name is said once. */
function rowsOf(notes: readonly Note[]): string[][] {
  const rows = new Map<string, { paths: string[]; message: string }>();
  for (const { path, message } of notes) {
    const identity = `${path.replaceAll(/\[\d+\]/g, '[]')} ${message}`;
    const row = rows.get(identity) ?? { paths: [], message };
    row.paths.push(path);
    rows.set(identity, row);
  }
  return [...rows.values()].map(({ paths, message }) => {
    const first = paths[0]!.replace(/^(model_list\[\d+\])\.(litellm_params|model_info)\./, '$1.');
    return [paths.length === 1 ? first : `${first} and ${paths.length - 1} more`, message];
  });
}
