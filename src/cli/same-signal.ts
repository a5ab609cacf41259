/** Ctrl-C reaches a process from its terminal and once more from npm: so near to one another they are one signal. */
export const SAME_SIGNAL_MS = 100;
