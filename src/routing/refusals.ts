/**
 * Remembers for an hour what an arm alone would refuse (a parameter that it does not know, a prompt too long for it), so
 * that requests of that shape go to other arms at once.
 */
import type { OwnRefusal } from '../upstream/failures.ts';
import type { Needs } from './needs.ts';
import type { Runtime } from './runtime.ts';

const MEMORY_MS = 60 * 60 * 1000;
/** Shapes remembered of one arm; the oldest goes first. */
const MAX_SHAPES = 64;

/** What of a request may decide whether an arm takes it. */
export interface Shape {
  body: Readonly<Record<string, unknown>>;
  needs: Needs;
  /** The key that asks; null while there are no keys. */
  caller: string | null;
}

export interface Refusals {
  remember(model: string, refusal: OwnRefusal, shape: Shape): void;
  /** Why this arm would refuse such a request, in words; null where nothing says so. */
  whyRefused(model: string, shape: Shape): string | null;
  /** The model's provider does not know the request for usage that Conduit adds to streams. */
  rememberNoUsage(model: string): void;
  refusesUsage(model: string): boolean;
  /** Forgets everything: under another config an arm may be asked otherwise. */
  forget(): void;
}

interface Memory {
  until: number;
  why: string;
  /** Two refusals of one name are the same. */
  name: string;
  fits: (shape: Shape) => boolean;
}

export function createRefusals({ now, digest }: Pick<Runtime, 'now' | 'digest'>): Refusals {
  const memories = new Map<string, Memory[]>();
  const withoutUsage = new Map<string, number>();

  return {
    remember(model, refusal, shape) {
      const until = now() + MEMORY_MS;
      const { caller } = shape;
      const { fits, ...known } = memoryOf(refusal, shape, digest);
      const memory: Memory = {
        ...known,
        until,
        // Words may be the caller's own, repeated: nobody else is to suffer from them.
        name: refusal.byCode ? known.name : `${known.name} of ${caller}`,
        fits: (other) => (refusal.byCode || other.caller === caller) && fits(other),
      };
      const others = (memories.get(model) ?? []).filter((other) => other.name !== memory.name && other.until > now());
      memories.set(model, [...others, memory].slice(-MAX_SHAPES));
    },
    whyRefused(model, shape) {
      const found = memories.get(model)?.find((memory) => memory.until > now() && memory.fits(shape));
      return found?.why ?? null;
    },
    rememberNoUsage: (model) => void withoutUsage.set(model, now() + MEMORY_MS),
    forget() {
      memories.clear();
      withoutUsage.clear();
    },
    refusesUsage: (model) => (withoutUsage.get(model) ?? 0) > now(),
  };
}

function memoryOf({ kind, text, param }: OwnRefusal, shape: Shape, digest: Runtime['digest']): Omit<Memory, 'until'> {
  if (kind === 'context') {
    const refused = tokensOf(shape);
    return {
      name: 'context',
      why: `refused a request of about ${refused} tokens within the last hour`,
      fits: (other) => tokensOf(other) >= refused,
    };
  }
  const field = fieldMeant(text, param, shape.body);
  if (field === null) {
    const refused = outlineOf(shape);
    return {
      name: `outline ${refused}`,
      why: 'refused a request of this shape within the last hour',
      fits: (other) => outlineOf(other) === refused,
    };
  }
  if (kind === 'value') {
    // Only a hash is kept: a field may hold what a person wrote.
    const hashOf = (one: Shape): string => hashOfField(one.body, field, digest);
    const refused = hashOf(shape);
    return {
      name: `value ${field} ${refused}`,
      why: `refused this value of ${field} within the last hour`,
      fits: (other) => Object.hasOwn(other.body, field) && hashOf(other) === refused,
    };
  }
  return {
    name: `field ${field}`,
    why: `refused ${field} within the last hour`,
    fits: (other) => Object.hasOwn(other.body, field),
  };
}

/** Once for each request, however many arms and refusals it is held against. */
function hashOfField(body: Shape['body'], field: string, digest: Runtime['digest']): string {
  let hashes = HASHES.get(body);
  if (!hashes) {
    hashes = new Map();
    HASHES.set(body, hashes);
  }
  let hash = hashes.get(field);
  if (hash === undefined) {
    // Its domain first: else whoever asks could have anything hashed, what a session is signed by too.
    hash = digest(`refused value\n${JSON.stringify(body[field]) ?? ''}`);
    hashes.set(field, hash);
  }
  return hash;
}
const HASHES = new WeakMap<object, Map<string, string>>();

/** Fields that every request has: a refusal that names one of these means something inside it. */
const ALWAYS_THERE = new Set(['model', 'messages', 'stream']);

/** The field of the body that an error means: the one it names in `param`, else one that its text names. */
function fieldMeant(text: string, param: string | null, body: Shape['body']): string | null {
  const fields = Object.keys(body).filter((name) => !ALWAYS_THERE.has(name));
  if (param !== null) return fields.includes(param) ? param : null;
  const quoted = fields.find((name) => [`"${name}"`, `'${name}'`, `\`${name}\``].some((form) => text.includes(form)));
  return quoted ?? fields.find((name) => text.split(/[^\w-]+/).includes(name)) ?? null;
}

const tokensOf = ({ needs }: Shape): number => needs.promptTokensEstimate + (needs.outputTokens ?? 0);

/** The request without its content: which fields it has and what it needs. */
function outlineOf({ body, needs }: Shape): string {
  const format = (body.response_format as { type?: unknown } | null | undefined)?.type;
  return JSON.stringify([
    Object.keys(body).sort(),
    body.stream === true,
    format ?? null,
    [...needs.capabilities].sort(),
  ]);
}
