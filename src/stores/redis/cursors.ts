/** A cursor of a log in Redis: the log's epoch and a place in the stream. */
import { LOG_START } from '../ports.ts';

export interface Cursor {
  /** Null for the start of whichever log is there. */
  epoch: string | null;
  /** "MS-SEQ". */
  place: string;
}

export const FIRST_PLACE = '0-0';

/** A cursor of another store is one of another epoch. */
export function readCursor(cursor: string): Cursor {
  if (cursor === LOG_START) return { epoch: null, place: FIRST_PLACE };
  const parts = /^([^-]+)-(\d+-\d+)$/.exec(cursor);
  if (!parts) return { epoch: 'none', place: FIRST_PLACE };
  return { epoch: parts[1] as string, place: parts[2] as string };
}

export const cursorAt = (epoch: string, place: string): string => `${epoch}-${place}`;
