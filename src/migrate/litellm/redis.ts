/** From LiteLLM's settings of a Redis to the URL of one. */
import type { Notes } from './notes.ts';
import type { References, Use } from './references.ts';
import { isYes, type Mapping, numberOf, textOf } from './values.ts';

export const REDIS = [
  'redis_url',
  'redis_host',
  'redis_port',
  'redis_password',
  'redis_username',
  'redis_db',
  'redis_ssl',
];

/** Null where none comes of them. */
export function readRedis(section: string, settings: Mapping, references: References, notes: Notes): string | null {
  const named = REDIS.filter((name) => textOf(settings[name]) !== null || typeof settings[name] === 'boolean');
  const state = redisUrl(settings, references);
  for (const [index, name] of named.entries()) {
    if (state === null)
      notes.leftOut([section, name], 'no URL of a Redis comes of it: write it as stores.state, docs/redis.md');
    else if (index > 0) notes.mapped([section, name], 'a part of stores.state');
    else
      notes.changed(
        [section, name],
        `stores.state: what is learned is shared through this Redis${remarkOn(settings, references)}. Beside it nothing ` +
          'is kept for conduit report, export and keys usage unless stores.durable says so: docs/redis.md',
      );
  }
  return state;
}

function remarkOn({ redis_url, redis_password }: Mapping, references: References): string {
  const secret = textOf(redis_url) ?? textOf(redis_password);
  if (secret === null) return '';
  if (references.nameOf(secret) === null)
    return '; what is secret in it stands there in clear: better keep it in a variable';
  return textOf(redis_url) === null ? '; a password with @, / or the like must be percent-encoded' : '';
}

/** Null where there is none, or one that Conduit does not take. */
function redisUrl(settings: Mapping, references: References): string | null {
  const part = (name: string, use: Use): string | null => {
    const text = textOf(settings[name]);
    if (text === null) return null;
    // A reference stays one; anything else must not end the part of the URL that it stands in.
    return references.nameOf(text) === null ? encodeURIComponent(text) : references.text(text, use);
  };
  const whole = textOf(settings.redis_url);
  const host = part('redis_host', 'host');
  if (whole === null && host === null) return null;
  const password = part('redis_password', 'secret');
  const scheme = isYes(settings.redis_ssl) ? 'rediss' : 'redis';
  const login = password === null ? '' : `${part('redis_username', 'secret') ?? 'default'}:${password}@`;
  const db = numberOf(settings.redis_db);
  const behind = `${part('redis_port', 'port') ?? '6379'}${db === null ? '' : `/${db}`}`;
  const url = whole === null ? `${scheme}://${login}${host}:${behind}` : references.text(whole, 'redis');
  if (references.nameOf(whole) !== null) return url;
  // What a variable will be, nobody knows yet.
  const likely = url.replaceAll(/\$\{[^}]*\}/g, '1');
  return !url.includes('$$') && /^rediss?:\/\/[^\s?#]+$/.test(likely) && URL.canParse(likely) ? url : null;
}
