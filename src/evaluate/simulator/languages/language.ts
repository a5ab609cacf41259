/** What a language must bring for prompts of every kind to be written in it. */
import type { Kind } from '../kinds.ts';
import type { Lists } from '../template.ts';

export interface Asking {
  /** What is asked; `{pieces}` stands for the material. */
  asks: readonly string[];
  /** A prompt has more of them the harder it looks. */
  pieces: readonly string[];
  between: string;
}

export interface Phrases {
  kinds: Readonly<Record<Kind, Asking>>;
  lists: Lists;
  /** What an app says to the model first. */
  systems: readonly string[];
  /** How an assistant answers, in a conversation that went on. */
  answers: readonly string[];
  /** What is asked after an answer. */
  follows: readonly string[];
}

/** Lists that read alike in every language. */
export const SHARED: Lists = {
  coding: ['Python', 'TypeScript', 'Rust', 'Java', 'Go', 'C++', 'Kotlin'],
  fn: ['{verb}_{noun}', '{verb}{Noun}', '{noun}_{verb}'],
  verb: ['parse', 'merge', 'load', 'find', 'count', 'group', 'split', 'sort', 'filter', 'cache', 'retry', 'flatten'],
  noun: ['rows', 'intervals', 'config', 'paths', 'orders', 'tokens', 'events', 'nodes', 'users', 'matrix', 'files'],
  Noun: ['Rows', 'Intervals', 'Config', 'Paths', 'Orders', 'Tokens', 'Events', 'Nodes', 'Users', 'Matrix', 'Files'],
  error: [
    'TypeError: undefined is not a function',
    'IndexError: list index out of range at line {n}',
    'error[E0382]: borrow of moved value: `{noun}`',
    "KeyError: '{noun}_{n}'",
    'panic: runtime error: index out of range [{n}]',
  ],
  line: [
    'for i in range({n}):\n    total += {noun}[i] * {d}',
    'const {noun} = await {fn}({n}); // TODO: {verb} them',
    'if ({noun}.length > {nn}) return {fn}({noun}, {n});',
    'def {fn}({noun}, limit={n}):\n    return [{noun}[k] for k in range(limit)]',
    'let mut {noun}: Vec<u32> = vec![{n}, {nn}, {d}];',
    'assert {fn}([{n}, {d}, {nn}]) == {nn}',
    'while ({noun} !== null) { {noun} = {fn}({noun}, {d}); }',
  ],
  table: ['orders', 'customers', 'invoices', 'shipments', 'products', 'employees', 'visits', 'payments', 'tickets'],
  column: ['id', 'created_at', 'customer_id', 'total', 'status', 'country', 'quantity', 'price', 'category', 'manager'],
  ddl: [
    'CREATE TABLE {table} (id INT PRIMARY KEY, {column} TEXT, {column}_{d} INT, {table}_id INT);',
    'CREATE TABLE {table}_{year} ({column} DATE, {column}_{d} DECIMAL({d}, 2), {column}_{n} TEXT);',
  ],
  formula: [
    '${d}x^2 + {n}x - {nn} = 0$',
    '$\\frac{a}{{n}} + \\sqrt{{nn}} = {d}b$',
    '$\\int_0^{{d}} x^{d} / {n} \\, dx$',
    '$f(x) = {d}x^3 - {n}x + {nn}$',
    '$\\sum_{k=1}^{{n}} k^{d} \\cdot {d}$',
    '$a_{n} = {d} a_{n-1} + {n}$, $a_1 = {d}$',
  ],
  person: [
    'Ada Moreno',
    'Jonas Keller',
    'Li Wei',
    'Fatima Noor',
    'Priya Rao',
    'Tomás Vidal',
    'Claire Dubois',
    'Samuel Okafor',
    'Ingrid Holm',
    'Mei Tanaka',
    'Pavel Novak',
    'Lucia Ferrari',
  ],
  name: ['Ada', 'Jonas', 'Wei', 'Fatima', 'Priya', 'Tom', 'Claire', 'Sam', 'Ingrid', 'Mei', 'Pavel', 'Lucia'],
  city: [
    'Lisbon',
    'Leipzig',
    'Pune',
    'Lyon',
    'Chengdu',
    'Oslo',
    'Quito',
    'Toronto',
    'Nairobi',
    'Osaka',
    'Graz',
    'Turin',
  ],
  company: ['{Noun}{n}', 'North{noun}', 'Blue Harbour {n}', '{name} & {name}', 'Acme {city}', 'Studio {nn}'],
  money: ['{n}.{n}', '{nn}.{n}', '{nn}'],
  date: ['{year}-0{d}-{day}', '{day}.0{d}.{year}'],
  day: ['11', '12', '14', '17', '19', '21', '23', '25', '27', '28'],
};
