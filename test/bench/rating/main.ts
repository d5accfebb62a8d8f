import { cpus } from 'node:os';
import { CASES, type RatingCase } from './cases.ts';

const HELP = `Measures how many charge lines are rated per second on one core.

  npm run bench:rating

A charge line is one rate card rated for one period of one customer: its usage, as text, becomes a rounded amount with all its steps.
Cards are read once, as the product does. "explained" also writes every step out, with its sentence. The bound is the same arithmetic
in plain bigints, without lines and rules. Seconds are CPU time of the process, garbage collection included.
`;
if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}

const GOAL = 300_000;
const ROUND_MS = 150;
const ROUNDS = 5;
/** Looking at the clock costs as much as many lines: seldom. */
const TURNS = 5;
const WIDTH = 30;

interface Speed {
  readonly rate: number;
  readonly bound: number;
}

process.stdout.write(
  `charge lines per second on one core (${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}); the | in a bar is the goal, ${count(GOAL)}\n\n`,
);
process.stdout.write(`${'price'.padEnd(28)} ${'lines/s'.padStart(10)}  ${' '.repeat(WIDTH)}  ${'bound/s'.padStart(10)}\n`);
for (const each of CASES) {
  const { rate, bound } = measured(each);
  process.stdout.write(`${each.name.padEnd(28)} ${count(rate).padStart(10)}  ${bar(rate)}  ${count(bound).padStart(10)}\n`);
}

/** The median of rounds in turn, so that a slow moment of the machine meets both sides. */
function measured({ rate, bound, usages }: RatingCase): Speed {
  perSecond(rate, usages);
  perSecond(bound, usages);
  const rounds = Array.from({ length: ROUNDS }, () => ({ rate: perSecond(rate, usages), bound: perSecond(bound, usages) }));
  const median = (side: keyof Speed) => rounds.map((round) => round[side]).sort((a, b) => a - b)[(ROUNDS - 1) / 2] ?? 0;
  return { rate: median('rate'), bound: median('bound') };
}

function perSecond(work: RatingCase['rate'], usages: RatingCase['usages']): number {
  const before = process.cpuUsage();
  for (let lines = 0; ;) {
    for (let turn = 0; turn < TURNS; turn += 1) for (const usage of usages) work(usage);
    lines += TURNS * usages.length;
    const { user, system } = process.cpuUsage(before);
    const microseconds = user + system;
    if (microseconds >= ROUND_MS * 1000) return (lines * 1e6) / microseconds;
  }
}

/** The goal stands in the middle; twice the goal or more fills the bar. */
function bar(rate: number): string {
  const filled = Math.min(WIDTH, Math.round((rate / (2 * GOAL)) * WIDTH));
  const drawn = '█'.repeat(filled) + '·'.repeat(WIDTH - filled);
  return `${drawn.slice(0, WIDTH / 2)}|${drawn.slice(WIDTH / 2)}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
