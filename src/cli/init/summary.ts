/** Tells what `conduit init` found and wrote, and what to do next. */
import { CATALOGUE_DATE } from '../../config/catalogue.ts';
import { counted } from '../terminal/counted.ts';
import type { Screen } from '../terminal/screen.ts';
import { shellWord } from '../terminal/shell-word.ts';
import { tableLines } from '../terminal/table.ts';
import { KEPT } from './answers.ts';
import type { Composed } from './compose.ts';
import type { LeftOut } from './found.ts';

export interface NewKey {
  name: string;
  key: string;
  admin: boolean;
}

export interface Written {
  /** Null where the config went to stdout. */
  file: string | null;
  composed: Composed;
  leftOut: readonly LeftOut[];
  warnings: readonly string[];
  keys: readonly NewKey[];
}

export function summaryDocument({ file, composed, leftOut, warnings, keys }: Written): unknown {
  const { config, providers } = composed;
  return {
    file,
    providers: providers.map(({ name, baseUrl, variable, told }) => ({
      name,
      base_url: baseUrl,
      variable,
      found: told,
    })),
    models: config.models.map(({ id, price }) => ({
      id,
      price: price === 'free' ? { input: 0, output: 0 } : price,
      price_as_of: price === 'free' ? null : CATALOGUE_DATE,
    })),
    left_out: leftOut.map(({ what, why }) => ({ what, why })),
    warnings,
    ...(keys.length > 0 && { keys }),
  };
}

export function summaryLines({ file, composed, leftOut, keys }: Written, screen: Screen): string[] {
  const { config, providers } = composed;
  const rows = providers.map(({ name, told }) => [name, modelsOf(name, config.models), told]);
  const named = file === null || file === 'conduit.yaml' ? '' : ` --config ${shellWord(file)}`;
  return [
    ...tableLines([{ head: 'provider' }, { head: 'models' }, { head: 'found' }], rows, screen),
    '',
    ...(leftOut.length > 0
      ? [
          ...tableLines(
            [{ head: 'left out' }, { head: 'why' }],
            leftOut.map(({ what, why }) => [what, why]),
            screen,
          ),
          '',
        ]
      : []),
    ...(keys.length > 0
      ? [
          'Keys, shown this once; the config holds only their hashes:',
          ...keys.map(({ name, key, admin }) => `  ${name}: ${key}${admin ? ' (dashboard, reports, metrics)' : ''}`),
          '',
        ]
      : []),
    ...(config.keeping === 'folder' ? [] : ['What is learned is kept', `  ${KEPT[config.keeping]}`, '']),
    ...(file === null ? [] : [`wrote ${file} (${counted(config.models.length, 'model')})`, '']),
    'Next:',
    `  npx conduit-gateway check${named}`,
    `  npx conduit-gateway serve${named}`,
    'Then watch it at http://127.0.0.1:8787/dashboard. Programs take the base URL',
    'http://127.0.0.1:8787/v1 and the model "auto".',
  ];
}

function modelsOf(provider: string, models: Composed['config']['models']): string {
  const prefix = `${provider}/`;
  return models.flatMap(({ id }) => (id.startsWith(prefix) ? [id.slice(prefix.length)] : [])).join('\n');
}
