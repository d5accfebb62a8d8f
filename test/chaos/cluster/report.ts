import type { ClusterChaosReport } from './scenario.ts';

const DIFFERENCES_SHOWN = 30;

/** The outcome of a run, for people. */
export function clusterReport(result: ClusterChaosReport, tookMs: number): string {
  const {
    seed,
    rounds,
    replays,
    kills,
    takeoversMs,
    partitionsTaken,
    freezes,
    failedStarts,
    cuts,
    counts,
    differences,
    logFile,
  } = result;
  const killed = [...kills.values()].reduce((sum, one) => sum + one, 0);
  const lines = [
    `Kills       ${killed} in ${rounds} rounds`,
    ...[...kills].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, count]) => `  ${String(count).padStart(4)}  ${what}`),
    `Takeovers   ${takeoversMs.killed.length + takeoversMs.frozen.length} of ${partitionsTaken} partitions`,
    `            from killed aggregators: ${spread(takeoversMs.killed)}`,
    `            from frozen aggregators: ${spread(takeoversMs.frozen)}`,
    `Besides     ${freezes} processes frozen, ${cuts} connections cut half way, topic replayed as a new log ${replays} times`,
    `            ${failedStarts} starts failed for want of an engine, and were tried again`,
    `Events      ${Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', ')}`, // prettier-ignore
    `Took        ${Math.round(tookMs / 1000)} s, seed ${seed}`,
    ...differences.slice(0, DIFFERENCES_SHOWN).map((difference) => `DIFFERS     ${difference}`),
    differences.length === 0
      ? 'Verdict     exact: nothing lost, nothing twice'
      : `Verdict     ${differences.length} differences; what the services wrote is in ${logFile}`,
  ];
  return lines.join('\n');
}

/** From the kill or freeze to the first commit of a partition that moved. */
function spread(tookMs: readonly number[]): string {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const seconds = (value: number | undefined): string => (value === undefined ? '-' : `${(value / 1000).toFixed(1)} s`);
  return `${sorted.length}, first commit after p50 ${seconds(sorted[Math.floor(sorted.length / 2)])}, max ${seconds(sorted.at(-1))}`;
}
