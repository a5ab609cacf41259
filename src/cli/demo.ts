/** `conduit demo`: simulated models and people, and a gateway that learns from them. */
import { isLoopback } from '../config/loopback.ts';
import { CommandFailed, orSayWhy } from './command-failed.ts';
import { redraws, screenOf } from './terminal/screen.ts';

export async function demo(options: { host?: string; port?: number }): Promise<void> {
  await orSayWhy(async () => {
    const { host } = options;
    if (host !== undefined && !isLoopback(host)) {
      throw new CommandFailed('--host: the demo asks for no key (allowed: 127.0.0.1, ::1, localhost)');
    }
    // Loaded only here: nobody who serves needs the simulation.
    const { runDemo } = await import('../demo/index.ts');
    await runDemo(options, {
      style: screenOf(process.stdout).style,
      redraws: redraws(process.stdout),
      columns: () => screenOf(process.stdout).columns,
    });
  });
}
