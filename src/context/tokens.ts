/** A rough count of a prompt's tokens, cheap enough for every request; what it misses is learned as a ratio per arm. */
import { type ContextInput, charactersOf, imagesIn, textOf } from './text.ts';

/** Hundredths of a token for a character by what it is, read off common tokenisers on ordinary text. */
const LETTER = 20;
const DIGIT = 45;
const SYMBOL = 55;
/** Spaces mostly belong to the word that follows. */
const SPACE = 5;
/** Cyrillic, Greek, Arabic, accented Latin … */
const OTHER_SCRIPT = 45;
/** Chinese, Japanese, Korean and whatever lies behind them. */
const IDEOGRAPH = 90;
const FIRST_IDEOGRAPH = 0x2e80;

/** What a message costs beyond its text: role and separators. */
const PER_MESSAGE = 4;
const PER_IMAGE = 800;
/** Schemas are dense in short words and brackets. */
const PER_TOOL_CHARACTER = 0.28;

/** Longer texts are counted by a sample of this many characters. */
const SAMPLE = 16_384;

const PER_ASCII = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[a-z]/i.test(character)) return LETTER;
  if (/[0-9]/.test(character)) return DIGIT;
  return /\s/.test(character) ? SPACE : SYMBOL;
});

/** At least 1. */
export function estimatePromptTokens(input: ContextInput): number {
  let tokens = 3 + (input.tools?.length ? charactersOf(input.tools) * PER_TOOL_CHARACTER : 0);
  for (const message of input.messages) {
    const { content, tool_calls } = (message ?? {}) as { content?: unknown; tool_calls?: unknown };
    tokens += PER_MESSAGE + tokensIn(textOf(content)) + imagesIn(content) * PER_IMAGE;
    if (Array.isArray(tool_calls)) tokens += charactersOf(tool_calls) * PER_TOOL_CHARACTER;
  }
  return Math.ceil(tokens);
}

function tokensIn(text: string): number {
  // Whole numbers, which a processor adds up several at a time.
  let hundredths = 0;
  if (text.length <= SAMPLE) {
    for (let at = 0; at < text.length; at++) hundredths = (hundredths + hundredthsOf(text.charCodeAt(at))) | 0;
    return hundredths / 100;
  }
  const step = text.length / SAMPLE;
  for (let at = 0; at < text.length; at += step) hundredths += hundredthsOf(text.charCodeAt(Math.floor(at)));
  return (hundredths * step) / 100;
}

const hundredthsOf = (code: number): number =>
  code < 128 ? PER_ASCII[code]! : code < FIRST_IDEOGRAPH ? OTHER_SCRIPT : IDEOGRAPH;
