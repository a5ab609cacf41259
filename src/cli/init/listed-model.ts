/** A model as a server lists it, and whether it is one to chat with. */
import type { Capability } from '../../config/schema.ts';

export interface LocalModel {
  /** As the server calls it. */
  name: string;
  /** Tokens that it takes as it runs now; null where the server does not tell. */
  context: number | null;
  /** Tokens that it could take at most, were the server told to; null where that is not told either. */
  longest: number | null;
  supports: readonly Capability[] | null;
}

export interface ListedModel extends LocalModel {
  /** Why it is no model for chat; null where it is one. */
  unfit: string | null;
}

export function listedModel(name: string, told: Partial<LocalModel> = {}): ListedModel {
  return { name, context: null, longest: null, supports: null, ...told, unfit: unfitByName(name) };
}

const OTHER_THAN_CHAT = /(^|[/_.:-])(embed(ding)?s?|rerank(er)?|bge|e5|gte|minilm|whisper|tts)([/_.:-]|\d|$)/i;

/** Where a server does not tell what a model is for, only a plain name does. */
function unfitByName(name: string): string | null {
  return OTHER_THAN_CHAT.test(name) ? 'not for chat, by its name' : null;
}
