/** Environment variables in a config. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpolate } from '../../src/config/interpolate.ts';
import { load, loaded, MINIMAL, MODELS, problemsOf } from './config-text.ts';

const ref = (body: string): string => `$\{${body}}`;

describe('a variable', () => {
  test('is put in wherever it stands in a text', () => {
    const text = `providers: { p: { base_url: "http://${ref('HOST')}:${ref('PORT')}/v1" } }\nmodels: [{ id: p/a }]`;
    expect(loaded(text, { HOST: 'h', PORT: '9' }).providers.get('p')?.baseUrl).toBe('http://h:9/v1');
  });

  test('that is missing is an error that names it and its place', () => {
    expect(problemsOf(`${MINIMAL}server: { secret: "${ref('NOPE')}" }`)).toEqual([
      'server.secret: the environment variable NOPE is not set',
    ]);
  });

  test('that is empty is an error too, unless there is a default', () => {
    expect(problemsOf(`${MINIMAL}server: { host: "${ref('H')}" }`, { H: '' })).toEqual([
      'server.host: the environment variable H is empty',
    ]);
    expect(loaded(`${MINIMAL}server: { host: "${ref('H:-localhost')}" }`, { H: '' }).server.host).toBe('localhost');
  });

  test('of the prototype is none', () => {
    expect(problemsOf(`${MINIMAL}server: { secret: "${ref('constructor')}" }`)[0]).toContain('constructor is not set');
  });

  test('stands for a number or a yes or no where one belongs', () => {
    const text = `${MINIMAL}server: { port: "${ref('PORT')}" }\nrouters: { auto: { models: [local/a], explore: { floor: "${ref('FLOOR:-.5')}" }, prefer: { usd_per_point: "${ref('USD:-1e-4')}" } } }`;
    const config = loaded(text, { PORT: '9000' });
    expect(config.server.port).toBe(9000);
    expect(config.routers.get('auto')).toMatchObject({ explore: { floor: 0.5 }, prefer: { usd_per_point: 0.0001 } });
  });

  test('stays a text where a text belongs, even if it looks like a number', () => {
    const text = `providers: { p: { base_url: "http://x", api_key: "${ref('KEY')}" } }\nmodels: [{ id: p/a }]`;
    expect(loaded(text, { KEY: '123456' }).providers.get('p')?.apiKeys).toEqual(['123456']);
  });

  test('that is no number is refused where a number belongs', () => {
    expect(problemsOf(`${MINIMAL}server: { port: "${ref('PORT')}" }`, { PORT: '80 80' })).toEqual([
      'server.port: is text (allowed: a whole number from 0 to 65535)',
    ]);
  });

  test('cannot be a part of a number, and a number in quotes is a text', () => {
    expect(problemsOf(`${MINIMAL}server: { port: "80${ref('REST')}" }`, { REST: '80' })).toHaveLength(1);
    expect(problemsOf(`${MINIMAL}server: { port: "8080" }`)).toHaveLength(1);
  });
});

test('a plain ${ is written with two dollar signs', () => {
  expect(interpolate(`$${ref('X')} costs $5`, {}).document).toBe(`${ref('X')} costs $5`);
});

test.each([ref(''), ref('1A'), ref('A-b'), ref('A:-x${B'), 'open ${A'])('%s is refused', (text) => {
  expect(interpolate({ a: text }, { A: 'x', B: 'y' }).problems).toMatchObject([{ path: 'a' }]);
});

test('no value of a variable changes anything but its own text', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('x"\nadmin: true', ref('OTHER'), '$& $1 $$', '*a', '!!js/function', '{a: b}', '- x', '# c'),
  );
  fc.assert(
    fc.property(nasty, (value) => {
      fc.pre(value !== '');
      const text = `${MODELS}providers: { local: { base_url: "http://x", headers: { h: "${ref('V')}" } } }`;
      const result = load(text, { V: value, OTHER: 'leaked' });
      if (result.ok) expect(result.config.providers.get('local')?.headers).toEqual({ h: value });
      else expect(result.problems.map(({ path }) => path)).toEqual(['providers.local.headers.h']);
    }),
  );
});
