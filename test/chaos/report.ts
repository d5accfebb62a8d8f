import type { ChaosReport } from './scenario.ts';

const DIFFERENCES_SHOWN = 30;

/** The outcome of a run, for people. */
export function report({ seed, kills, recoveriesMs, counts, differences, folder }: ChaosReport, tookMs: number): string {
  const sorted = [...recoveriesMs].sort((a, b) => a - b);
  const killed = [...kills.values()].reduce((sum, one) => sum + one, 0);
  const lines = [
    `Kills       ${killed}`,
    ...[...kills].sort(([a], [b]) => (a < b ? -1 : 1)).map(([step, count]) => `  ${String(count).padStart(4)}  ${step}`),
    `Recovery    ${sorted.length} restarts to ready: p50 ${ms(sorted[Math.floor(sorted.length / 2)])}, max ${ms(sorted.at(-1))}`,
    `Events      ${Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', ')}`, // prettier-ignore
    `Took        ${Math.round(tookMs / 1000)} s, seed ${seed}`,
    ...differences.slice(0, DIFFERENCES_SHOWN).map((difference) => `DIFFERS     ${difference}`),
    differences.length === 0
      ? 'Verdict     exact: nothing lost, nothing twice'
      : `Verdict     ${differences.length} differences; the data is kept in ${folder}`,
  ];
  return lines.join('\n');
}

function ms(value: number | undefined): string {
  return value === undefined ? '-' : `${Math.round(value)} ms`;
}
