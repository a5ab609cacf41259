/** `conduit demo`: simulated models and people, and a gateway that learns from them. */
export async function demo(options: { host?: string; port?: number }): Promise<void> {
  // Loaded only here: nobody who serves needs the simulation.
  const { runDemo } = await import('../demo/index.ts');
  await runDemo(options);
}
