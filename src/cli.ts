#!/usr/bin/env node
/** The command line: `conduit serve | init | check | demo`. */
import { Command, InvalidArgumentError } from 'commander';
import { check } from './cli/check.ts';
import { demo } from './cli/demo.ts';
import { init } from './cli/init.ts';
import { serve } from './cli/serve.ts';

/** Commands of later versions, refused by name so that nobody looks for a typing error. */
const NOT_BUILT_YET = ['replay', 'report', 'rebuild', 'export', 'import', 'import-litellm', 'keys'];

const portNumber = (text: string): number => {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('allowed are 0 to 65535.');
  return port;
};

const program = new Command('conduit')
  .description('An OpenAI-compatible reverse proxy that learns which model to send each request to.')
  .showHelpAfterError('(conduit --help lists commands and options)');

const withConfig = (command: Command): Command =>
  command.option('--config <path>', 'the config file (default: conduit.yaml, then conduit.json)');
const withAddress = (command: Command): Command =>
  command
    .option('--port <number>', 'the port to listen on', portNumber)
    .option('--host <address>', 'the address to listen on');

withAddress(withConfig(program.command('serve').description('serve the gateway'))).action(serve);
withAddress(program.command('demo').description('watch it learn on simulated models, without any key')).action(demo);
withConfig(
  program.command('check').description('check a config: one line a problem, exit 1 where there is one'),
).action(check);
withConfig(program.command('init').description('write a config from the provider keys in the environment'))
  .option('--force', 'overwrite a config that is there')
  .action(init);
for (const name of NOT_BUILT_YET) {
  program
    .command(name, { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      process.stderr.write(`conduit ${name}: not supported yet\n`);
      process.exitCode = 1;
    });
}

await program.parseAsync();
