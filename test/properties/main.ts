/** `node test/properties/main.ts [--cases 100000] [--seed S] [--only text]`: every law of rating over many cases; exit code 1 if one fails. */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { progress } from '../bench/progress.ts';
import type { Law } from './law.ts';
import { LAWS } from './laws/index.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string' }, only: { type: 'string', default: '' } },
});
const cases = Number(values.cases);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
/** Cases between two steps of the bar, each with a seed of its own. */
const STRETCH = 1_000;

process.stdout.write(`properties of rating: ${cases.toLocaleString('en')} cases each, seed ${seed}\n`);
let broken = 0;
for (const law of LAWS.filter(({ title }) => title.includes(values.only))) {
  process.stdout.write(`${law.title}\n`);
  const failure = await failureOf(law);
  if (failure !== null) broken += 1;
  process.stdout.write(failure === null ? '' : `  broken: ${failure}\n`);
}
process.stdout.write(broken === 0 ? 'every law held\n' : `${broken} laws broken\n`);
process.exitCode = broken === 0 ? 0 : 1;

async function failureOf({ property }: Law): Promise<string | null> {
  const bar = progress('  cases', cases);
  for (let done = 0, stretch = 0; done < cases; stretch += 1) {
    const numRuns = Math.min(STRETCH, cases - done);
    const result = await fc.check(property, { numRuns, seed: seed + stretch });
    if (result.failed) {
      process.stdout.write('\n');
      return `in case ${done + result.numRuns}: ${fc.defaultReportMessage(result) ?? String(result.errorInstance)}`;
    }
    done += numRuns;
    bar.at(done);
  }
  bar.end();
  return null;
}
