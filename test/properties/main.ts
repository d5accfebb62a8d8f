/** `node test/properties/main.ts [--cases 100000] [--seed S] [--only text]`: every law of rating over many cases; exit code 1 if one fails. */
import { parseArgs } from 'node:util';
import { brokenLaws } from './check-laws.ts';
import { LAWS } from './laws/index.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string' }, only: { type: 'string', default: '' } },
});
const cases = Number(values.cases);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

process.stdout.write(`properties of rating: ${cases.toLocaleString('en')} cases each, seed ${seed}\n`);
const laws = LAWS.filter(({ title }) => title.includes(values.only));
process.exitCode = (await brokenLaws(laws, { cases, seed, stretch: 1_000 })) === 0 ? 0 : 1;
