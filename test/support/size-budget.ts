/**
 * The size budget of `npm run check`: what a reader can hold in the head. A file of source has at most 300 lines, a file of tests 400.
 * No line of source is wider than 160 characters (the formatter, at 130, leaves comments and texts alone). No file is a drawer for
 * what fits nowhere.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SOURCE = /\.(ts|js|cjs|mjs|sql)$/;
const TEST = /(\.(test|contract|fixture|child)\.ts$|^test\/)/;
const LINES_MAX = { source: 300, test: 400 };
const WIDTH_MAX = 160;
const DRAWERS = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'types', 'misc', 'shared']);

function faultsOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const linesMax = TEST.test(file) ? LINES_MAX.test : LINES_MAX.source;
  // Tests may quote what they are about whole.
  const wide = TEST.test(file)
    ? []
    : lines.flatMap((line, index) => (line.length > WIDTH_MAX && !line.includes('://') ? [index + 1] : []));
  const stem = path.basename(file).split('.')[0] ?? '';
  return [
    ...(lines.length > linesMax ? [`${file}: ${lines.length} lines, at most ${linesMax}`] : []),
    ...wide.map((number) => `${file}:${number}: wider than ${WIDTH_MAX} characters`),
    ...(DRAWERS.has(stem) || DRAWERS.has(path.basename(path.dirname(file))) ? [`${file}: name it after what it does`] : []),
  ];
}

// Everything of the project, committed or about to be.
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => SOURCE.test(file) && existsSync(file));
const faults = files.flatMap(faultsOf);
for (const fault of faults) console.error(fault);
console.log(`size budget: ${files.length} files, ${faults.length} faults`);
if (faults.length > 0 || files.length === 0) process.exitCode = 1;
