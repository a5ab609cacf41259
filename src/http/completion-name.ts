/** The name under which a decision is found by the id of its answer. */

/** A completion's id, kept apart by key: another key's answers are not found. */
export const completionName = (completionId: string, key: string | null, digest: (text: string) => string): string =>
  `completion:${digest(`completion\n${key ?? ''}\n${completionId}`)}`;
