/** How a command says what whoever asked for it has to mend: one line, no trace. */
export class CommandFailed extends Error {}
