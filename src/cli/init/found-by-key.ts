/** What a provider key opens: the models to begin with that it may use. */
import { catalogueEntry } from '../../config/catalogue.ts';
import { modelOf, providerOf } from '../../config/from-environment.ts';
import type { Environment } from '../../config/interpolate.ts';
import type { Preset } from '../../config/presets.ts';
import type { Found } from './found.ts';
import { checkKey, type KeyChecked } from './provider-keys.ts';

/** Of a key that may use none of the models to begin with, so many others. */
const OTHERS = 3;

export async function foundByKey(preset: Preset, env: Environment, offline: boolean): Promise<Found> {
  const { vendor, variable, models: names } = preset;
  const checked: KeyChecked = offline
    ? { kind: 'unknown', why: 'was not asked' }
    : await checkKey(preset, env[variable] as string);
  const has = (name: string): boolean => checked.kind !== 'works' || checked.has(name);
  const missing = names.filter((name) => !has(name));
  const present = names.length > missing.length ? names.filter(has) : knownOf(preset, checked);
  const remarks = [
    ...(checked.kind === 'refused' ? [`${refusal(preset)}: put right what the variable holds`] : []),
    ...(missing.length > 0 ? [`not among the models of this key: ${missing.join(', ')}`] : []),
  ];
  const told = { works: `${variable} works`, refused: `${variable} is refused`, unknown: `${variable}, not checked` };
  return {
    providers: [{ ...providerOf(preset, env), remarks, told: told[checked.kind], preset, has }],
    models: present.map((name) => modelOf(preset, name)),
    leftOut: missing.map((name) => ({ what: `${vendor}/${name}`, why: `${variable} may not use it, or it is gone` })),
    warnings: [
      ...(offline ? [] : warningsOf(preset, checked)),
      ...(present.length === 0 ? [`${variable} opens no model of a known price: add yours by hand`] : []),
    ],
  };
}

function knownOf({ vendor }: Preset, checked: KeyChecked): string[] {
  if (checked.kind !== 'works') return [];
  return [...new Set(checked.names)].filter((name) => catalogueEntry(vendor, name) !== null).slice(0, OTHERS);
}

const refusal = ({ vendor, variable }: Preset): string => `the key in ${variable} is refused by ${vendor}`;

function warningsOf(preset: Preset, checked: KeyChecked): string[] {
  if (checked.kind === 'works') return [];
  if (checked.kind === 'refused') return [refusal(preset)];
  return [`${preset.variable} is unchecked: ${preset.vendor} ${checked.why}`];
}
