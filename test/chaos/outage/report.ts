import { SERVICES } from '../../cluster/index.ts';
import { answersIn, outcomeOf, type Outage } from './judge.ts';
import type { OutagesReport } from './run.ts';

/** The outcome of a run, for people. */
export function outagesReport(result: OutagesReport): string {
  const { outages, events, duplicates, differences } = result;
  return [
    ...outages.flatMap((outage) => ofOutage(outage, result)),
    `Events      ${events} acknowledged and counted, ${duplicates} records were repetitions of them`,
    ...differences.map((difference) => `DIFFERS     ${difference}`),
    differences.length === 0
      ? 'Verdict     answered, bounded and counted as it must be'
      : `Verdict     ${differences.length} differences`,
  ].join('\n');
}

function ofOutage(outage: Outage, { answers, samples, bounds }: OutagesReport): string[] {
  const { engine, how, startedMs, endedMs, readyMs } = outage;
  const outcomes = Map.groupBy(answersIn(outage, answers), outcomeOf);
  const within = samples.filter(({ askedMs, atMs }) => askedMs > startedMs && atMs < readyMs);
  const most = (name: string): number => Math.max(0, ...within.map(({ gauges }) => gauges.get(name) ?? 0));
  const memory = SERVICES.map((service) => {
    const [before, most] = [samples.filter(({ atMs }) => atMs < startedMs), within].map((some) =>
      Math.max(0, ...some.filter((sample) => sample.service === service).map(({ residentBytes }) => residentBytes)),
    );
    return `${service} ${megabytes(most)} (before ${megabytes(before)}, may have ${megabytes(bounds.residentBytesMax[service])})`;
  });
  return [
    `${engine.padEnd(12)}away for ${seconds(endedMs - startedMs)} (${how}), every service ready ${seconds(readyMs - endedMs)} after its return`,
    `  answers   ${[...outcomes].map(([outcome, some]) => `${some.length} × ${outcome}`).join(', ')}`,
    `  backlog   ${most('ingest_lag_events')} records not usage (limit ${bounds.lagEventsMax}), ${most('ingest_in_flight_requests')} requests and ${megabytes(most('ingest_in_flight_bytes'))} in flight`,
    `  memory    ${memory.join(', ')}`,
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const megabytes = (bytes = 0): string => `${Math.round(bytes / 1e6)} MB`;
