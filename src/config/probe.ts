import { createHash } from 'node:crypto';
import { loadConfig, problemLine } from './load.ts';
const sha256Hex = (t: string) => createHash('sha256').update(t).digest('hex');
const text = process.argv[2]!;
const r = loadConfig({ text, env: process.env, sha256Hex });
if (r.ok) console.dir(r, { depth: 6 }); else console.log(r.problems.map(problemLine).join('\n'));
