import type { LatencyResult } from './alert-latency.ts';
import { putIntoDocument } from './document.ts';

export interface BenchResult {
  readonly machine: string;
  readonly events: number;
  /** Events per second of the engines alone, mean of a run before and one after. */
  readonly engines: number;
  readonly enginesPeakBytes: number;
  /** Events per second from HTTP to committed usage. */
  readonly sustained: number;
  /** Events per second acknowledged while aggregation stands still. */
  readonly ingest: number;
  readonly ingestMs: { readonly p50: number; readonly p99: number };
  readonly query: { readonly p50Ms: number; readonly p99Ms: number };
  readonly latency: LatencyResult;
  readonly peakBytes: number;
  readonly firstReadyMs: number;
  readonly secondReadyMs: number;
}

export async function writeReport(result: BenchResult, intoReadme: boolean): Promise<void> {
  const table = markdown(result);
  process.stdout.write(`\n${table}\n`);
  if (intoReadme) await putIntoDocument('README.md', 'bench', table);
}

function markdown(result: BenchResult): string {
  const { latency, query } = result;
  const rows: [string, string][] = [
    ['HTTP to committed usage, sustained', `${rate(result.sustained)} events/s`],
    ['The engines alone, same rows, no code of ours', `${rate(result.engines)} events/s`],
    ['Ratio', `${((100 * result.sustained) / result.engines).toFixed(0)} %`],
    [
      'Ingest alone (202 after durable)',
      `${rate(result.ingest)} events/s; a request of 1,000: p50 ${ms(result.ingestMs.p50)}, p99 ${ms(result.ingestMs.p99)}`,
    ],
    [`Usage of one customer, one month, ${rate(result.events)} events stored`, `p50 ${ms(query.p50Ms)}, p99 ${ms(query.p99Ms)}`],
    [
      `Event to alert webhook at ${rate(latency.eventsPerSecond)} events/s (${latency.alerts} of ${latency.expected} alerts)`,
      `p50 ${ms(latency.p50Ms)}, p99 ${ms(latency.p99Ms)}, max ${ms(latency.maxMs)}`,
    ],
    ['Peak memory of the server', `${mb(result.peakBytes)} (engines alone ${mb(result.enginesPeakBytes)})`],
    ['Ready after a first start; with these events stored', `${ms(result.firstReadyMs)}; ${ms(result.secondReadyMs)}`],
  ];
  const lines = rows.map(([what, figure]) => `| ${what} | ${figure} |`);
  return (
    [
      `Measured with \`npm run bench\` on ${result.machine}; the load generator shares the cores.`,
      '',
      '| | |',
      '| --- | --- |',
      ...lines,
    ].join('\n') + '\n'
  );
}

function rate(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function ms(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(1)} s` : `${value.toFixed(0)} ms`;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MB`;
}
