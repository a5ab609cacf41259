/** Words of commands that are shown to be copied. */

/** As a POSIX shell takes it for one word. */
export const shellWord = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
