#!/usr/bin/env node
/**
 * The command line: `conduit serve | init | check | demo | keys | replay | report | rebuild | export | import |
 * import-litellm`.
 */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CALLERS, KEEPINGS, PREFERENCES } from './cli/init/choices.ts';
import { PLATFORMS } from './config/platform.ts';

const portNumber = (text: string): number => {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('allowed are 0 to 65535.');
  return port;
};

const positiveNumber = (text: string): number => {
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text) || Number(text) === 0)
    throw new InvalidArgumentError('allowed is a number above 0.');
  return Number(text);
};
const commaList = (text: string): string[] => text.split(',').map((one) => one.trim());

const gathered = (text: string, before: readonly string[] = []): string[] => [...before, text];

// A command is loaded when it is asked for: nobody who checks a config waits for the gateway's parts.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const program = new Command('conduit')
  .version(version)
  .description('An OpenAI-compatible reverse proxy that learns which model to send each request to.')
  .showHelpAfterError('(conduit --help lists commands and options)')
  .addHelpText('after', '\nColours are for terminals alone, and NO_COLOR=1 turns them off there too.');

const withConfig = (command: Command): Command =>
  command.option('--config <path>', 'the config file (default: conduit.yaml, then conduit.json)');
const withAddress = (command: Command): Command =>
  command
    .option('--port <number>', 'the port to listen on', portNumber)
    .option('--host <address>', 'the address to listen on');

const platformOption = (): Option =>
  new Option('--platform <name>', 'where it is to serve; for workers the file is conduit.worker.yaml unless named')
    .choices(PLATFORMS)
    .default('node');

withAddress(withConfig(program.command('serve').description('serve the gateway'))).action(async (options) =>
  (await import('./cli/serve.ts')).serve(options),
);
withAddress(program.command('demo').description('watch it learn on simulated models, without any key')).action(
  async (options) => (await import('./cli/demo.ts')).demo(options),
);
withConfig(program.command('check').description('check a config: one line a problem, exit 1 where there is one'))
  .addOption(platformOption())
  .option('--json', 'print one JSON document')
  .action(async (options) => (await import('./cli/check.ts')).check(options));
program
  .command('init')
  .description('write a config of the provider keys and the model servers that are found')
  .option('--config <path>', 'the file to write (default: conduit.yaml)')
  .option('--force', 'overwrite a config that is there')
  .option('--yes', 'ask nothing: what no option says is as by default')
  .option('--offline', 'ask no provider and no server, go by the environment alone')
  .option('--local <url>', 'a further OpenAI-compatible server; may be given again', gathered, [])
  .option('--model <id>', 'only this of the models found, * for any text; may be given again', gathered, [])
  .addOption(new Option('--prefer <what>', 'what matters most (default: balanced)').choices(PREFERENCES))
  .option('--today <name>', 'the model name that programs send today, or none')
  .option('--usd-per-day <usd>', 'what a day may cost at most, or none')
  .addOption(new Option('--callers <who>', 'who may call (default: this-machine)').choices(CALLERS))
  .addOption(
    new Option(
      '--keep <where>',
      'where to keep what is learned (default: wherever the environment names a server)',
    ).choices(KEEPINGS),
  )
  .option('--stdout', 'print the config instead of writing a file')
  .option('--json', 'print what was found and written as JSON')
  .action(async (options) => (await import('./cli/init.ts')).init(options));
withConfig(
  program
    .command('rebuild')
    .description('learn anew from the durable store, as for another half-life or after Redis was lost'),
)
  .option('--json', 'print one JSON document')
  .action(async (options) => (await import('./cli/rebuild.ts')).rebuild(options));
withConfig(
  program
    .command('report')
    .description('estimate from the log what other policies, preferences and budgets would have done')
    .argument('[router]', "default: the config's first"),
)
  .option('--policy <name>', 'a policy to judge as well; may be given again', gathered)
  .option('--usd-per-point <usd>', 'a preference to judge as well: what 1% of quality may cost', gathered)
  .option('--usd-per-request <usd>', 'an average ceiling to judge as well', gathered)
  .option('--since <time>', 'only decisions since then: 7d, or 2026-01-31')
  .option('--json', 'print the report as GET /v1/routers/{name}/report gives it')
  .action(async (router, options) => (await import('./cli/report.ts')).report(router, options));
withConfig(
  program
    .command('export')
    .description('write all decisions of the durable store as JSON lines')
    .argument('[file]', 'default: -, which is stdout'),
)
  .option('--json', 'with a file: print one JSON document that tells of it')
  .action(async (file, options) => (await import('./cli/export.ts')).exportDecisions(file, options));
withConfig(
  program
    .command('import')
    .description('take decisions from JSON lines into the durable store')
    .argument('<file>', '- for stdin'),
)
  .option('--json', 'print one JSON document')
  .action(async (file, options) => (await import('./cli/import.ts')).importDecisions(file, options));
const keys = program.command('keys').description('who may call: create, list and revoke keys, and tell what they used');
const withKeyOptions = (command: Command): Command =>
  withConfig(command).addOption(platformOption()).option('--json', 'print one JSON document');
withKeyOptions(keys.command('create').description('make a key, write its hash into the config, and show it this once'))
  .argument('<name>', 'what it is called in decisions and logs')
  .option('--admin', 'may see what has been learned, and all decisions')
  .option('--routers <names>', 'which routers it may use, with commas between them (default: all)', commaList)
  .option('--models <ids>', 'which models, * for any text (default: all)', commaList)
  .option('--routes <routes>', 'what it may call behind /v1/, * for any text (default: as in a config)', commaList)
  .option('--requests-per-minute <number>', 'how often it may call', positiveNumber)
  .option('--usd-per-day <usd>', 'what its calls may cost in a UTC day', positiveNumber)
  .action(async (name, options) => (await import('./cli/keys/create.ts')).create(name, options));
withKeyOptions(keys.command('list').description('the keys of the config and what each may, but never a key')).action(
  async (options) => (await import('./cli/keys/list.ts')).list(options),
);
withKeyOptions(keys.command('revoke').description('take a key out of the config'))
  .argument('<name>', 'what it is called')
  .option('--force', 'the last one too, after which whoever reaches the gateway may call')
  .action(async (name, options) => (await import('./cli/keys/revoke.ts')).revoke(name, options));
withConfig(keys.command('usage').description('what each key has called for and what that cost, from the durable store'))
  .argument('[name]', 'default: all')
  .option('--since <time>', 'only calls since then: 30d, or 2026-01-31 (default: all that are kept)')
  .addOption(new Option('--by <what>', 'a row for each day, or for each model').choices(['day', 'model']))
  .option('--json', 'print one JSON document')
  .action(async (name, options) => (await import('./cli/keys/usage.ts')).usage(name, options));
program
  .command('replay')
  .description('run policies over recorded outcomes, revealing only those of the model that was chosen')
  .argument('<file>', 'JSON lines, plain or compressed by gzip; the first one has the prices')
  .option(
    '--policy <name>',
    'a policy, as in a config; may be given several times (default: linear-thompson)',
    gathered,
  )
  .option('--prefer <preference>', 'quality, balanced, cost, speed, or USD for a point of quality (default: quality)')
  .option('--usd-per-request <usd>', 'what a request may cost on average')
  .option('--half-life <duration>', 'how fast evidence fades: 30m, 24h, 7d, off (default: 7d)')
  .option('--per-day <requests>', 'how many requests come in a day (default: 500)')
  .option('--warm-up <file>', 'recorded outcomes that are known before the first request')
  .option('--seeds <number>', 'how many runs of each policy (default: 20)')
  .option('--in-order', 'the rows as they are in the file; else each seed has an order of its own')
  .option('--svg <file>', 'draw the learning curves')
  .option('--json', 'print one JSON document')
  .action(async (file, options) => (await import('./cli/replay.ts')).replayFile(file, options));
program
  .command('import-litellm')
  .description("write a config from a LiteLLM proxy's, and say what became of each setting")
  .argument('<file>', "LiteLLM's config.yaml; - for stdin")
  .option('--config <path>', 'the file to write; - for stdout (default: conduit.yaml)')
  .option('--force', 'overwrite a config that is there')
  .option('--json', 'print what became of each setting as JSON')
  .action(async (file, options) => (await import('./cli/import-litellm.ts')).importLiteLlmFile(file, options));

// Where nobody reads any more what is said, as behind `2>&1 | head`, the work goes on.
process.stderr.on('error', () => {});
// Who names no command at all wants what the package is for.
await program.parseAsync(process.argv.length > 2 ? process.argv : [...process.argv, 'serve']);
