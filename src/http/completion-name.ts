/** The name under which a decision is found by the id of its answer. */

/** Longer ones are told by their hash: what an upstream calls its answers must not fill the memory. */
const MOST_CHARACTERS = 128;

/** A completion's id, kept apart by key: another key's answers are not found. An id tells nothing of what was said. */
export function completionName(completionId: string, key: string | null, digest: (text: string) => string): string {
  // Not begun with what it is for, as all else that is hashed: replicas of earlier releases look for the same names, and feedback to
  // answers that they gave would be lost. The word before the name keeps it from being taken for another.
  const id = completionId.length > MOST_CHARACTERS ? digest(completionId) : completionId;
  return `completion:${key === null ? '' : key.length}:${key ?? ''}:${id}`;
}
