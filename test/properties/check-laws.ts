import fc from 'fast-check';
import { progress } from '../bench/progress.ts';
import type { Law } from './law.ts';

export interface LawRun {
  readonly cases: number;
  /** Of the first stretch; the next ones count up. */
  readonly seed: number;
  /** Cases of one seed, between two steps of the bar. */
  readonly stretch: number;
  /** Of one case, as it was told: that one alone. */
  readonly path?: string | undefined;
  /** Whether a smaller case that breaks the law is looked for; default true. */
  readonly shrinks?: boolean;
}

/** Checks laws one after the other, with a progress bar each, and tells what breaks one. Answers how many are broken. */
export async function brokenLaws(laws: readonly Law[], run: LawRun): Promise<number> {
  let broken = 0;
  for (const law of laws) {
    process.stdout.write(`${law.title}\n`);
    const failure = await failureOf(law, run);
    if (failure !== null) broken += 1;
    process.stdout.write(failure === null ? '' : `  broken: ${failure}\n`);
  }
  process.stdout.write(broken === 0 ? 'every law held\n' : `${broken} laws broken\n`);
  return broken;
}

async function failureOf({ property }: Law, { cases, seed, stretch, path, shrinks = true }: LawRun): Promise<string | null> {
  const bar = progress('  cases', cases);
  for (let done = 0, at = 0; done < cases; at += 1) {
    const numRuns = Math.min(stretch, cases - done);
    const result = await fc.check(property, {
      numRuns,
      seed: seed + at,
      endOnFailure: !shrinks,
      ...(path !== undefined && { path }),
    });
    if (result.failed) {
      process.stdout.write('\n');
      return `in case ${done + result.numRuns}: ${fc.defaultReportMessage(result) ?? ''}\n${String(result.errorInstance)}`;
    }
    done += numRuns;
    bar.at(done);
  }
  bar.end();
  return null;
}
