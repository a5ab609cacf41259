/** How a command says what whoever asked for it has to mend: one line, no trace. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a command's work; where that rejects with `CommandFailed`, says why on stderr, behind `whose` it is, and sets the exit
 * code.
 */
export async function orSayWhy(work: () => Promise<void>, whose = ''): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    process.stderr.write(`${whose}${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
