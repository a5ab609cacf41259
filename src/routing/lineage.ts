/**
 * Names conversations by what was said in them: keyed hashes of their beginnings and of their last exchanges, under which
 * a later request finds the decision that answered before, without a session id and in any language.
 */
import type { AnswerMessage } from '../upstream/first-choice.ts';
import { MAX_ANSWER_CHARACTERS } from '../upstream/observe.ts';
import type { Digest } from './digest.ts';
import { beginningOf, type MixState, TextMix, textOfState } from './text-mix.ts';

export interface Message {
  role: string;
  content?: unknown;
  tool_calls?: unknown;
  tool_call_id?: unknown;
}

/** Who asks: conversations of different people never share a name. */
export interface Asker {
  /** The name of the key. */
  key: string | null;
  session: string | null;
  /** The end user, by `safety_identifier` or `user`. */
  person: string | null;
}

export interface Lineage {
  /** Exactly these messages: a repeat finds the decision that answered them. */
  readonly answered: string;
  /**
   * What came before the last question, which is the user messages at the end: its rewordings share this. Null where the
   * request does not end in a question but in the results of tools or the beginning of an answer.
   */
  readonly before: string | null;
  /** The same two of the question that the steps of an agent have followed, where the request ends in what its tools gave. */
  readonly opening: { answered: string; before: string } | null;
  /**
   * Names of the latest answer in the messages, the surest first; empty where there is none: the conversation up to it, and its
   * last exchange alone, for clients that drop the beginning.
   */
  readonly latest: readonly string[];
  /** `answered` of the messages that the latest answer answered, for clients that rewrite answers; null where there is none. */
  readonly question: string | null;
  /** Names of the answers before the latest, at most three, the latest first: to stay with an arm where the latest is unknown. */
  readonly older: readonly string[];
  /** Names of this conversation once the answer belongs to it. */
  withAnswer(answer: AnswerMessage): readonly string[];
  readonly session: string | null;
  /** Whether somebody is named: by session, or as end user. */
  readonly named: boolean;
}

/** How many answers before the latest are looked for: a client may have dropped or edited the last ones. */
const OLDER_LOOKED_FOR = 3;
/** A name that is longer is hashed before it goes into each name. */
const LONGEST_SCOPE = 64;

const KINDS = new Map([
  ['user', 1],
  ['tool', 3],
  ['function', 4],
]);
const ASSISTANT = 2;
const SYSTEM = 5;
const ANOTHER_ROLE = 6;

const isSystem = (role: string): boolean => role === 'system' || role === 'developer';

const mixes = new WeakMap<Digest, TextMix>();

function mixOf(digest: Digest): TextMix {
  let mix = mixes.get(digest);
  if (!mix) {
    mix = new TextMix(digest);
    mixes.set(digest, mix);
  }
  return mix;
}

// Nothing is waited for while a conversation is traced, so that these serve all.
/** The exchanges that an answer has ended. */
const talk: MixState = new Int32Array(4);
/** What was said since. */
const exchange: MixState = new Int32Array(4);
/** What the system said, where it counts. */
const system: MixState = new Int32Array(4);

/** Where a conversation stands between an answer and the next. */
interface Place {
  /** Whether no answer came before. */
  first: boolean;
  /** Whether anything was said since the last answer. */
  said: boolean;
  talk: MixState;
  exchange: MixState;
}

/** What an answer is named after, as texts of states. */
interface Ending {
  first: boolean;
  said: boolean;
  /** The exchange that the answer ends. */
  exchange: string;
  /** All exchanges up to it. */
  talk: string;
}

/**
 * What the system says does not count, since the time of day may be in it. But for the first question of somebody who is
 * not named: there it is all that keeps two applications with one key apart.
 */
export function traceLineage(messages: readonly Message[], asker: Asker, digest: Digest): Lineage {
  const mix = mixOf(digest);
  const named = asker.session !== null || asker.person !== null;
  const outline = outlineOf(messages);
  mix.start(talk);
  mix.start(exchange);
  mix.start(system);
  let answers = 0;
  let said = false;
  let systemWords = '';
  let question: string | null = null;
  let before: string | null = null;
  let beforePrefill: Place | null = null;
  let opening: { answered: string; before: string } | null = null;
  const endings: Ending[] = [];
  const standing = (): string => (answers === 0 ? systemWords : '') + textOfState(talk) + textOfState(exchange);

  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!;
    const { role } = message;
    if (isSystem(role)) {
      if (named || answers > 0 || outline.answers > 1) continue;
      mix.takeText(system, SYSTEM, textOf(message.content).trim());
      systemWords = textOfState(system);
    } else if (role === 'assistant') {
      const toCome = outline.answers - answers;
      if (toCome === 1) {
        question = standing();
        if (outline.prefill !== null) beforePrefill = placeNow(answers === 0, said);
      }
      mix.takeText(exchange, ASSISTANT, answerWords(textOf(message.content), callIds(message)));
      if (toCome <= 1 + OLDER_LOOKED_FOR) endings.push(endExchange(mix, answers === 0, said));
      else closeExchange(mix);
      answers++;
      said = false;
    } else {
      if (i >= outline.questionFrom) before ??= standing();
      if (i === outline.loopFrom) opening = { answered: '', before: standing() };
      takeAsked(mix, message);
      said = true;
      if (opening && i <= outline.loopTo) opening.answered = standing();
    }
  }
  const scope = scopeOf(asker, digest);
  const name = (kind: string, state: string): string => `${kind}:${digest(`${kind}\n${scope}\n${state}`)}`;
  const place = placeNow(answers === 0, said);
  const latest = endings.pop();
  let older: readonly string[] | null = null;
  return {
    answered: name('asked', standing()),
    before: before === null ? null : name('before', before),
    opening: opening && { answered: name('asked', opening.answered), before: name('before', opening.before) },
    latest: latest === undefined ? [] : namesOf(latest, name),
    question: question === null ? null : name('asked', question),
    // Worked out when they are looked for: where the request is found open they are not.
    get older() {
      older ??= endings.reverse().map((ending) => namesOf(ending, name).at(-1) as string);
      return older;
    },
    withAnswer: ({ text, toolCallIds }) => {
      const after = (from: Place, words: string): readonly string[] => {
        talk.set(from.talk);
        exchange.set(from.exchange);
        mix.takeText(exchange, ASSISTANT, words);
        return namesOf(endExchange(mix, from.first, from.said), name);
      };
      const names = after(place, answerWords(text, toolCallIds));
      if (beforePrefill === null) return names;
      // Most clients keep an answer and the beginning that they gave it as one message.
      return [...after(beforePrefill, answerWords(outline.prefill + text, toolCallIds)), ...names];
    },
    session: asker.session === null ? null : `session:${digest(`session\n${scope}\n${asker.session}`)}`,
    named,
  };
}

interface Outline {
  answers: number;
  /** Behind the last message that is no user's; the system's are no matter. */
  questionFrom: number;
  /** The beginning of an answer, where the messages end in one. */
  prefill: string | null;
  /** The first and the last message of the question that an agent is at; -1 where the messages end in no tool's result. */
  loopFrom: number;
  loopTo: number;
}

function outlineOf(messages: readonly Message[]): Outline {
  const outline: Outline = { answers: 0, questionFrom: 0, prefill: null, loopFrom: -1, loopTo: -1 };
  let inQuestion = false;
  let inLoop = false;
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!;
    if (isSystem(message.role)) continue;
    outline.prefill = null;
    if (message.role === 'user') {
      if (!inQuestion) outline.loopFrom = i;
      outline.loopTo = i;
    } else outline.questionFrom = i + 1;
    inQuestion = message.role === 'user';
    inLoop = message.role === 'tool' || message.role === 'function';
    if (message.role !== 'assistant') continue;
    outline.answers++;
    if (i === messages.length - 1 && !message.tool_calls) outline.prefill = textOf(message.content);
  }
  if (!inLoop) outline.loopFrom = outline.loopTo = -1;
  return outline;
}

const placeNow = (first: boolean, said: boolean): Place => ({
  first,
  said,
  talk: talk.slice(),
  exchange: exchange.slice(),
});

/** What was asked, or a tool's result. */
function takeAsked(mix: TextMix, { role, content, tool_call_id }: Message): void {
  const text = textOf(content).trim();
  const words = typeof tool_call_id === 'string' ? `${tool_call_id}\n${text}` : text;
  const kind = KINDS.get(role);
  if (kind === undefined) mix.takeText(exchange, ANOTHER_ROLE, `${role}\n${words}`);
  else mix.takeText(exchange, kind, words);
}

function endExchange(mix: TextMix, first: boolean, said: boolean): Ending {
  const ended = textOfState(exchange);
  closeExchange(mix);
  return { first, said, exchange: ended, talk: textOfState(talk) };
}

function closeExchange(mix: TextMix): void {
  mix.takeState(talk, exchange);
  mix.start(exchange);
}

/** The surest first. A first exchange is the whole conversation too, so that one name does for both. */
function namesOf({ first, said, exchange, talk }: Ending, name: (kind: string, state: string) => string): string[] {
  if (first) return [name('tail', exchange)];
  // An answer that nothing was asked before is no exchange: alone it may be any "Done.".
  return said ? [name('talk', talk), name('tail', exchange)] : [name('talk', talk)];
}

/** Long names are hashed, so that they do not cost what they are long with each name of a conversation. */
function scopeOf({ key, session, person }: Asker, digest: Digest): string {
  const scope = JSON.stringify([key, session ?? person]);
  return scope.length > LONGEST_SCOPE ? digest(`scope\n${scope}`) : scope;
}

/** Tool calls count by their ids alone: clients write the arguments anew, an id they keep. */
function answerWords(text: string, toolCallIds: readonly string[]): string {
  const words = beginningOf(text, MAX_ANSWER_CHARACTERS).trim();
  return toolCallIds.length === 0 ? words : `${words}\0${toolCallIds.join('\0')}`;
}

function callIds({ tool_calls }: Message): readonly string[] {
  if (!Array.isArray(tool_calls)) return [];
  return tool_calls.flatMap((call: { id?: unknown } | null) =>
    typeof call?.id === 'string' && call.id !== '' ? [call.id] : [],
  );
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: { type?: unknown; text?: unknown } | null) =>
      typeof part?.text === 'string' ? part.text : jsonOf(part),
    )
    .join('');
}

/** What is nested deeper than JSON can be written has no name of its own. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return 'too deep';
  }
}
