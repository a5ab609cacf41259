/**
 * Writes simulated traffic as a recording for `conduit replay`, for those who have none of their own:
 * node bench/simulate.ts WORLD [--rows 2000] [--seed 1] [--arms N] > traffic.jsonl
 */
import { parseArgs } from 'node:util';
import { simulate } from '../src/evaluate/simulator/simulate.ts';
import { manyArms, WORLD_NAMES, WORLDS } from '../src/evaluate/simulator/worlds.ts';

const USAGE = `node bench/simulate.ts ${WORLD_NAMES.join('|')} [--rows N] [--seed S] [--arms N, with many-arms]`;

function refused(why: string): never {
  process.stderr.write(`${why}\n${USAGE}\n`);
  process.exit(1);
}

function whole(name: string, written: string, least: number): number {
  const value = Number(written);
  if (!Number.isInteger(value) || value < least)
    refused(`--${name}: ${written} (allowed: whole numbers from ${least})`);
  return value;
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rows: { type: 'string', default: '2000' },
        seed: { type: 'string', default: '1' },
        arms: { type: 'string' },
      },
    });
  } catch (error) {
    return refused((error as Error).message);
  }
}

const { positionals, values } = readArguments();
const name = WORLD_NAMES.find((known) => known === positionals[0]);
if (!name || positionals.length > 1) refused(`no world ${positionals.join(' ')}`);
if (values.arms !== undefined && name !== 'many-arms') refused(`--arms: ${name} has its own`);
const count = values.arms === undefined ? null : whole('arms', values.arms, 2);
if (count !== null && count > 100) refused(`--arms: ${count} (allowed: 2 to 100)`);

const { recorded, natures } = simulate({
  seed: whole('seed', values.seed, 0),
  rows: whole('rows', values.rows, 1),
  world: count === null ? WORLDS[name] : manyArms(count),
});
const prices = Object.fromEntries(recorded.models.map(({ id, price }) => [id, price]));

function lineOf(row: number): string {
  const { id, input, outcomes } = recorded.prompts[row]!;
  const named = recorded.models.map((model, k) => {
    const { score, promptTokens, completionTokens, costUsd, latencySeconds } = outcomes[k]!;
    const outcome = {
      score,
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      cost_usd: costUsd,
      latency_s: latencySeconds,
    };
    return [model.id, outcome];
  });
  return JSON.stringify({
    id,
    ...input,
    category: natures[row]!.kind,
    ...(row === 0 && { prices }),
    outcomes: Object.fromEntries(named),
  });
}

// Who reads no further, as `head` does, has all that was wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
for (const row of recorded.prompts.keys()) process.stdout.write(`${lineOf(row)}\n`);
