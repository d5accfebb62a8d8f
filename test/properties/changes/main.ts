/**
 * `node test/properties/changes/main.ts [--cases 10000] [--seed S] [--only text] [--shrink] [--path P]`: the laws of changes of subscriptions over many
 * cases; exit code 1 if one fails. A case that breaks one is told with its seed and path, which make it again.
 */
import { parseArgs } from 'node:util';
import { openTestDatabase } from '../../support/database.ts';
import { brokenLaws } from '../check-laws.ts';
import { daysLaw } from './days-law.ts';
import { previewLaw } from './preview-law.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    shrink: { type: 'boolean', default: false },
    path: { type: 'string' },
  },
});
const { path, shrink: shrinks } = values;
const cases = path === undefined ? Number(values.cases) : 1;
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));

process.stdout.write(`properties of changes: ${cases.toLocaleString('en')} cases each, seed ${seed}\n`);
const database = await openTestDatabase();
const laws = [previewLaw(database), daysLaw(database)].filter(({ title }) => title.includes(values.only));
process.exitCode = (await brokenLaws(laws, { cases, seed, path, shrinks, stretch: 50 })) === 0 ? 0 : 1;
await database.close();
