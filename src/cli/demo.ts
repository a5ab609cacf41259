/** `conduit demo`: simulated models and people, and a gateway that learns from them. */
import { redraws, screenOf } from './terminal/screen.ts';

export async function demo(options: { host?: string; port?: number }): Promise<void> {
  // Loaded only here: nobody who serves needs the simulation.
  const { runDemo } = await import('../demo/index.ts');
  await runDemo(options, {
    style: screenOf(process.stdout).style,
    redraws: redraws(process.stdout),
    columns: () => screenOf(process.stdout).columns,
  });
}
