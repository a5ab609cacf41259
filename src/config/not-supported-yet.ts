/**
 * The one list of what a config may one day say but cannot say yet. Whoever builds such a feature adds its field to the
 * schema and takes its line out of here.
 */

interface Unbuilt {
  /** Names from the document's root; `*` stands for any. */
  path: string;
  /** Which values are meant; all where this is left out. */
  when?: (value: unknown) => boolean;
  /** What is possible today. */
  allowed?: string;
}

const UNBUILT: readonly Unbuilt[] = [
  { path: 'models.*.price.image' },
  { path: 'log.prompts', when: (value) => String(value) === 'true', allowed: 'false' },
];

export interface UnbuiltUse {
  path: readonly (string | number)[];
  allowed?: string;
}

/** Every place of the document that asks for something that is not built. */
export function findUnbuilt(document: unknown): UnbuiltUse[] {
  return UNBUILT.flatMap(({ path, when, allowed }) =>
    placesOf(document, path.split('.'))
      .filter(({ value }) => when?.(value) ?? true)
      .map((place) => ({ path: place.path, ...(allowed === undefined ? {} : { allowed }) })),
  );
}

interface Place {
  path: (string | number)[];
  value: unknown;
}

function placesOf(root: unknown, names: readonly string[]): Place[] {
  let places: Place[] = [{ path: [], value: root }];
  for (const name of names) {
    places = places.flatMap(({ path, value }) =>
      childrenOf(value)
        .filter(([key]) => name === '*' || key === name)
        .map(([key, child]) => ({ path: [...path, key], value: child })),
    );
  }
  return places;
}

function childrenOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}
