/** The questions of `conduit init`, answered at a terminal. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { directory } from '../run-cli.ts';
import { type AtTerminal, atTerminal, hasTerminal, KEYS } from './at-a-terminal.ts';

const ENV = { OPENAI_API_KEY: 'x', GROQ_API_KEY: 'x' };
const QUESTIONS = [
  'Which models may it choose from?',
  'What matters most?',
  'Which model name do your programs send today?',
  'How many USD may a day cost at most?',
  'Who may call it?',
];

const configIn = (cwd: string) => parse(readFileSync(join(cwd, 'conduit.yaml'), 'utf8'));

async function answer(terminal: AtTerminal, question: string, keys: string): Promise<void> {
  await terminal.sees(question);
  // The question is drawn before it listens.
  await new Promise((resolve) => setTimeout(resolve, 50));
  terminal.types(keys);
}

describe.skipIf(!hasTerminal)('at a terminal', () => {
  test('enter takes each default, and the config is as without questions', async () => {
    const cwd = directory();
    const terminal = atTerminal(['init', '--offline'], cwd, ENV);
    for (const question of QUESTIONS) await answer(terminal, question, KEYS.enter);
    const { code, shown } = await terminal.ended;
    expect({ code, shown }).toMatchObject({ code: 0, shown: expect.stringContaining('wrote conduit.yaml (5 models)') });
    const { server, routers } = configIn(cwd);
    expect(server.host).toBe('127.0.0.1');
    expect(routers.auto).toEqual({ models: expect.any(Array), prefer: 'balanced' });
    expect(routers.auto.models).toHaveLength(5);
  });

  test('what is answered is what is written', async () => {
    const cwd = directory();
    const terminal = atTerminal(['init', '--offline'], cwd, { ...ENV, REDIS_URL: 'redis://127.0.0.1:6379' });
    // The first of the models is taken out, as is the second.
    await answer(terminal, QUESTIONS[0]!, `${KEYS.space}${KEYS.down}${KEYS.space}${KEYS.enter}`);
    await answer(terminal, QUESTIONS[1]!, `${KEYS.down}${KEYS.down}${KEYS.enter}`);
    await answer(terminal, QUESTIONS[2]!, `gpt-4o${KEYS.enter}`);
    await answer(terminal, QUESTIONS[3]!, `a lot${KEYS.enter}`);
    await terminal.sees('allowed are USD above 0, and none');
    terminal.types(`${'\u007f'.repeat(5)}7.5${KEYS.enter}`);
    await answer(terminal, QUESTIONS[4]!, `${KEYS.down}${KEYS.enter}`);
    await answer(terminal, 'Where shall it keep what it learns?', KEYS.enter);
    const { code, shown } = await terminal.ended;
    expect(code, shown).toBe(0);
    const { server, keys, routers, stores } = configIn(cwd);
    expect(routers.auto).toEqual({
      models: ['openai/gpt-4o', 'openai/gpt-4.1-mini', 'groq/openai/gpt-oss-120b', 'groq/openai/gpt-oss-20b'],
      answers_to: ['gpt-4o'],
      prefer: 'cost',
      usd_per_day: 7.5,
    });
    expect(server.host).toBe('0.0.0.0');
    expect(keys).toHaveLength(2);
    expect(stores).toEqual({ state: '${REDIS_URL}' });
    expect(shown).toMatch(/team: cdt_[0-9a-f]{48}\n/);
  });

  test('what an option says is not asked', async () => {
    const cwd = directory();
    const args = ['--today', 'none', '--usd-per-day', '3', '--callers', 'this-machine', '--model', 'groq/*'];
    const terminal = atTerminal(['init', '--offline', ...args], cwd, ENV);
    await answer(terminal, QUESTIONS[1]!, KEYS.enter);
    const { code, shown } = await terminal.ended;
    expect(code).toBe(0);
    for (const question of QUESTIONS.filter((_, index) => index !== 1)) expect(shown).not.toContain(question);
  });

  test('nothing is asked with --yes', async () => {
    const cwd = directory();
    const { code, shown } = await atTerminal(['init', '--offline', '--yes'], cwd, ENV).ended;
    expect(code).toBe(0);
    for (const question of QUESTIONS) expect(shown).not.toContain(question);
  });

  test.each([
    ['Ctrl-C', KEYS.ctrlC],
    ['Ctrl-D', KEYS.ctrlD],
  ])('%s leaves with 130 and nothing written', async (_, keys) => {
    const cwd = directory();
    const terminal = atTerminal(['init', '--offline'], cwd, ENV);
    await answer(terminal, QUESTIONS[0]!, KEYS.enter);
    await answer(terminal, QUESTIONS[1]!, keys);
    const { code, shown } = await terminal.ended;
    expect(code, shown).toBe(130);
    expect(shown).toContain('conduit init: left, and nothing was written');
    expect(existsSync(join(cwd, 'conduit.yaml'))).toBe(false);
  });

  test('nothing is coloured with NO_COLOR', async () => {
    const terminal = atTerminal(['init', '--offline'], directory(), { ...ENV, NO_COLOR: '1' });
    for (const question of QUESTIONS) await answer(terminal, question, KEYS.enter);
    const { code, raw } = await terminal.ended;
    expect(code).toBe(0);
    expect(raw.split('\u001b[').some((part) => /^(3[1-7]|9\d)m/.test(part))).toBe(false);
  });

  describe.each([
    ['a terminal that cannot draw', { TERM: 'dumb' }],
    ['a screen reader', { ACCESSIBLE: '1' }],
  ])('with %s', (_, env) => {
    test('the questions are plain lines, and choices have numbers', async () => {
      const cwd = directory();
      const terminal = atTerminal(['init', '--offline'], cwd, { ...ENV, ...env, NO_COLOR: '1' });
      await answer(terminal, QUESTIONS[0]!, '9\r');
      await terminal.sees('allowed are numbers from 1 to 5, as in 1, 3');
      terminal.types('3, 4\r');
      await answer(terminal, QUESTIONS[1]!, '2\r');
      await answer(terminal, QUESTIONS[2]!, 'two words\r');
      await terminal.sees('allowed are a model name without spaces, and none');
      terminal.types('gpt-4.1-mini\r');
      await answer(terminal, QUESTIONS[3]!, '\r');
      await answer(terminal, QUESTIONS[4]!, '\r');
      const { code, raw } = await terminal.ended;
      expect(code, raw).toBe(0);
      if ('TERM' in env) expect(raw).not.toContain('\u001b');
      expect(configIn(cwd).routers.auto).toEqual({
        models: ['openai/gpt-4.1-mini', 'groq/openai/gpt-oss-120b'],
        answers_to: ['gpt-4.1-mini'],
        prefer: 'quality',
      });
    });

    test.each([
      ['Ctrl-C', KEYS.ctrlC],
      ['Ctrl-D', KEYS.ctrlD],
    ])('%s leaves with 130 and nothing written', async (_, keys) => {
      const cwd = directory();
      const terminal = atTerminal(['init', '--offline'], cwd, { ...ENV, ...env });
      await answer(terminal, QUESTIONS[0]!, '\r');
      await answer(terminal, QUESTIONS[1]!, keys);
      const { code, shown } = await terminal.ended;
      expect(code, shown).toBe(130);
      expect(existsSync(join(cwd, 'conduit.yaml'))).toBe(false);
    });
  });
});
