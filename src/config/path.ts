/** Places in a document: how they are written, and how the value there is replaced or taken out. */

export type Path = readonly PropertyKey[];

/** `models[0].price.input`; names that are no plain words stand in quotes. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]+$/.test(String(part))) text += `${text && '.'}${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

/** A copy of the document in which the value at `path` is what `change` makes of it; undefined takes it out. */
export function changedAt(document: unknown, path: Path, change: (value: unknown) => unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return change(document);
  if (typeof document !== 'object' || document === null) return document;
  const copy: Record<PropertyKey, unknown> = Array.isArray(document)
    ? ([...document] as unknown as Record<PropertyKey, unknown>)
    : { ...document };
  const value = changedAt(copy[first], rest, change);
  if (value === undefined) delete copy[first];
  else copy[first] = value;
  return copy;
}
