/** Writes Conduit's file: YAML that a person wants to keep, with a word beside what needs one. */
import { Document, isMap, isScalar, isSeq, type Node, Scalar, visit, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Arms } from './arms.ts';
import type { RoutersPlan } from './routers.ts';
import type { ReadSettings } from './settings.ts';

export function documentText(
  { providers, arms }: Arms,
  { routers, comments, hasFixed }: RoutersPlan,
  { state, masterKey, maxBodyBytes }: Pick<ReadSettings, 'state' | 'masterKey' | 'maxBodyBytes'>,
): string {
  const document = new Document({
    ...(maxBodyBytes !== null && { server: { max_body_bytes: maxBodyBytes } }),
    ...(masterKey !== null && { keys: [{ name: 'master', key: masterKey, admin: true, routes: ['*'] }] }),
    providers: Object.fromEntries(providers),
    models: arms.map(({ model }) => model),
    routers: Object.fromEntries(routers),
    ...(state !== null && { stores: { state } }),
  });
  document.commentBefore = [
    ' Imported from a LiteLLM config. docs/migrate.md says what differs, docs/configure.md explains every field.',
    ' `conduit check` says whether it is right; `conduit serve --host 0.0.0.0 --port 4000` serves it where LiteLLM does',
    ' unless told otherwise. Clients’ base URL must end in /v1.',
  ].join('\n');
  const keys = document.get('keys') as YAMLSeq | undefined;
  if (keys) keys.commentBefore = ' LiteLLM’s master key. Make one for each client with `conduit keys create`.';
  for (const [index, node] of (document.get('models') as YAMLSeq).items.entries()) {
    const { comment } = arms[index]!;
    if (comment !== null) (node as Node).commentBefore = ` ${comment}`;
  }
  if (hasFixed) {
    (document.get('routers') as Node).commentBefore = [
      ' policy: fixed is what LiteLLM did: the first model that can, the others where it fails. Without that line a',
      ' router learns which of its models answers best at its price.',
    ].join('\n');
  }
  for (const { key } of (document.get('routers') as YAMLMap<Scalar<string>>).items) {
    const comment = comments.get(key.value);
    if (comment !== undefined) key.commentBefore = ` ${comment}`;
  }
  visit(document, {
    // What stands for a variable is easily taken for a mapping.
    Scalar(_, node) {
      if (typeof node.value === 'string' && node.value.includes('${')) node.type = Scalar.QUOTE_DOUBLE;
    },
    Collection(_, node, path) {
      if (path.length > 3 && isFlat(node) && JSON.stringify(node).length <= LONGEST_ON_ONE_LINE) node.flow = true;
    },
  });
  for (const { key } of (document.contents as YAMLMap<Scalar<string>>).items.slice(1)) key.spaceBefore = true;
  return document.toString({ lineWidth: 120, flowCollectionPadding: true });
}

const LONGEST_ON_ONE_LINE = 90;

/** Nothing lies in it but single values, and lists of such. */
const isFlat = (node: YAMLMap | YAMLSeq): boolean =>
  isMap(node)
    ? node.items.every(({ value }) => isScalar(value) || (isSeq(value) && isFlat(value)))
    : node.items.every((item) => isScalar(item));
