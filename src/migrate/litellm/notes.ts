/** What became of each setting of the file that is imported: nothing is dropped in silence. */
import { type Path, pathText } from '../../config/path.ts';

/** `mapped`: Conduit does the same. `changed`: something like it, and the message says what differs. */
export type NoteKind = 'mapped' | 'changed' | 'left out';

export interface Note {
  /** Where the setting stands in LiteLLM's file, as in `model_list[0].litellm_params.rpm`. */
  path: string;
  kind: NoteKind;
  /** Never a value of the file's that may be a secret. */
  message: string;
}

/** What is said of one setting. */
export interface Told {
  kind: NoteKind;
  message: string;
}

export const mapped = (message: string): Told => ({ kind: 'mapped', message });
export const changed = (message: string): Told => ({ kind: 'changed', message });
export const leftOut = (message: string): Told => ({ kind: 'left out', message });

export interface Notes {
  readonly all: readonly Note[];
  tell(path: Path, told: Told): void;
  mapped(path: Path, message: string): void;
  changed(path: Path, message: string): void;
  leftOut(path: Path, message: string): void;
}

export function createNotes(): Notes {
  const all: Note[] = [];
  const tell = (path: Path, { kind, message }: Told): void => {
    all.push({ path: pathText(path), kind, message });
  };
  return {
    all,
    tell,
    mapped: (path, message) => tell(path, mapped(message)),
    changed: (path, message) => tell(path, changed(message)),
    leftOut: (path, message) => tell(path, leftOut(message)),
  };
}
