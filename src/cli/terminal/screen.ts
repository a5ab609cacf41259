/** How wide what is printed may be, and which colours it has: as the terminal at its end, or whoever reads it, wants it. */
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

export interface Screen {
  /** At least 40. */
  columns: number;
  style: Style;
}

/** What a text must fit where nobody says how wide a line may be: a file, a pipe, a log. */
const COLUMNS = 80;
/** Narrower than this no table can be read. */
const FEWEST_COLUMNS = 40;

const bare = (text: string): string => text;
export const plain: Style = { bold: bare, dim: bare, good: bare, bad: bare };

/** As wide as the terminal is, or as the variable COLUMNS says where there is none. */
export function screenOf(stream: NodeJS.WriteStream | WriteStream, env: NodeJS.ProcessEnv = process.env): Screen {
  return { columns: columnsOf(stream, env), style: styleOf(stream) };
}

function columnsOf({ isTTY, columns }: NodeJS.WriteStream | WriteStream, env: NodeJS.ProcessEnv): number {
  const told = isTTY ? columns : Number(env.COLUMNS);
  // A terminal that does not know its own width says 0.
  return Number.isInteger(told) && told > 0 ? Math.max(FEWEST_COLUMNS, told) : COLUMNS;
}

/** Node knows when: not under NO_COLOR, TERM=dumb or without a terminal, and always under FORCE_COLOR. */
function styleOf(stream: NodeJS.WriteStream | WriteStream): Style {
  const styled =
    (format: 'bold' | 'dim' | 'green' | 'red') =>
    (text: string): string =>
      styleText(format, text, { stream });
  return { bold: styled('bold'), dim: styled('dim'), good: styled('green'), bad: styled('red') };
}

/** Whether a line can be drawn over another one. */
export const redraws = (stream: NodeJS.WriteStream | WriteStream, env: NodeJS.ProcessEnv = process.env): boolean =>
  // The terminals of CI services are logs in truth.
  stream.isTTY === true && env.TERM !== 'dumb' && !env.CI;
