/** Makes the config of what was found and answered. */

import { catalogueEntry } from '../../config/catalogue.ts';
import { modelOf } from '../../config/from-environment.ts';
import type { StartingConfig, StartingModel } from '../../config/starting-config.ts';
import type { Answers } from './answers.ts';
import type { Found, FoundProvider } from './found.ts';

export interface Composed {
  config: StartingConfig;
  /** Those that have a model in it. */
  providers: FoundProvider[];
  warnings: string[];
}

export function compose(
  found: Found,
  answers: Answers,
  { keys, date }: { keys: StartingConfig['keys']; date: string },
): Composed {
  const chosen = found.models.filter(({ id }) => answers.models.includes(id));
  const today = answers.today === null ? null : serving(answers.today, chosen, found);
  // Reports compare with the first: what it would have cost to go on as today.
  const models = today?.model ? [today.model, ...chosen.filter(({ id }) => id !== today.model?.id)] : chosen;
  const providers = found.providers.filter(({ name }) => models.some(({ id }) => id.startsWith(`${name}/`)));
  const clash = today !== null && (today.name === 'auto' || models.some(({ id }) => id === today.name));
  return {
    config: {
      remarks: [
        `Written by conduit init on ${date}. docs/configure.md explains every field; conduit check tells whether it is right.`,
      ],
      host: answers.callers === 'network' ? '0.0.0.0' : '127.0.0.1',
      keys,
      providers,
      models,
      prefer: answers.prefer,
      answersTo: today === null || clash ? [] : [today.name],
      usdPerDay: answers.usdPerDay,
      keeping: answers.keeping,
    },
    providers,
    warnings: clash ? [`${today.name} is taken here already: programs that send it need to send auto instead`] : [],
  };
}

/** The name as programs send it, and the model that they mean, where there is one. */
function serving(
  written: string,
  chosen: readonly StartingModel[],
  found: Found,
): { name: string; model: StartingModel | null } {
  const named = chosen.find(({ id }) => id === written || upstreamOf(id) === written);
  if (named) return { name: upstreamOf(named.id), model: named };
  // A model that nobody would begin with, but that is in use: without it there is nothing to compare with.
  for (const { preset, has } of found.providers) {
    const name = written.startsWith(`${preset?.vendor}/`) ? upstreamOf(written) : written;
    if (preset && has(name) && catalogueEntry(preset.vendor, name)) return { name, model: modelOf(preset, name) };
  }
  return { name: written, model: null };
}

const upstreamOf = (id: string): string => id.slice(id.indexOf('/') + 1);
