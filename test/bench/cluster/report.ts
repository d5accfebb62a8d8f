import type { Measured } from './measure.ts';
import type { Results } from './results.ts';
import { WORK, type Work } from './work-classes.ts';

/** What was measured, as Markdown tables. */
export function markdown(results: Results): string {
  const parts = [
    `Measured with \`npm run bench:cluster\` on ${results.machine}. Load, services and engines share the cores; one broker, chDB as ClickHouse.`,
    throughput(results),
    work(results),
    growth(results),
    storage(results),
  ];
  return parts.filter((part) => part !== '').join('\n\n') + '\n';
}

function throughput({ one, two, http, limits }: Results): string {
  const ratio = (of: Measured, limit: number) => `${Math.round((100 * of.eventsPerSecond) / limit)} %`;
  const measured = (what: string, of: Measured | undefined): string[][] =>
    of === undefined
      ? []
      : [
          [
            what,
            rate(of.eventsPerSecond),
            ...(limits === undefined
              ? ['', '', '']
              : [
                  ratio(of, limits.kafka.kafkajs.eventsPerSecond),
                  ratio(of, limits.kafka.ours.eventsPerSecond),
                  ratio(of, limits.clickhouse.eventsPerSecond),
                ]),
          ],
        ];
  const alone = (what: string, eventsPerSecond: number): string[] => [what, rate(eventsPerSecond), '', '', ''];
  const rows = [
    ...measured('Kafka to committed usage, 1 aggregator', one),
    ...measured('Kafka to committed usage, 2 aggregators', two),
    ...measured('HTTP to committed usage, 1 ingest, 1 aggregator', http),
    ...(limits === undefined
      ? []
      : [
          alone('Limit: kafkajs produces and consumes, nothing else', limits.kafka.kafkajs.eventsPerSecond),
          alone('Limit: the same with our requests (zstd)', limits.kafka.ours.eventsPerSecond),
          alone('Limit: ClickHouse inserts the same rows, nothing else', limits.clickhouse.eventsPerSecond),
        ]),
  ];
  return tableOf(['', 'events/s', 'of kafkajs', 'of our requests', 'of ClickHouse'], rows);
}

function work({ work: spent }: Results): string {
  if (spent === undefined) return '';
  const secondsOf = (kind: Work) => spent.seconds[kind] ?? 0;
  const busy = WORK.reduce((sum, kind) => (kind === 'waiting' ? sum : sum + secondsOf(kind)), 0);
  const rows = WORK.map((kind) => [
    kind,
    `${((100 * secondsOf(kind)) / (busy + secondsOf('waiting'))).toFixed(1)} %`,
    kind === 'waiting' ? '' : ((spent.threadMicros * secondsOf(kind)) / busy).toFixed(1),
  ]);
  return tableOf([`The thread of one aggregator, ${count(spent.events)} events`, 'time', 'CPU µs an event'], rows);
}

function growth({ growth: levels, one, two, http, warm }: Results): string {
  const columns = ['aggregator', 'clickhouse', 'merges', 'kafka', 'postgres', 'rest', 'load'] as const;
  const row = (what: string, { eventsPerSecond, cpuMicros, foreignCores }: Measured) => [
    what,
    rate(eventsPerSecond),
    ...columns.map((column) => cpuMicros[column].toFixed(1)),
    foreignCores.toFixed(2),
  ];
  const rows = [
    ...(one === undefined ? [] : [row('one aggregator', one)]),
    ...(two === undefined ? [] : [row('two aggregators', two)]),
    ...(http === undefined ? [] : [row('over HTTP', http)]),
    ...levels.map(({ from, to, measured }) => row(`one aggregator, ${count(from)} to ${count(to)} stored`, measured)),
  ];
  if (rows.length === 0) return '';
  const parts = ['aggregator', 'clickhouse', 'kafka', 'postgres'] as const;
  const memory = levels.map(({ to, measured: { residentBytes } }) => [
    count(to),
    ...parts.map((part) => String(Math.round(residentBytes[part] / 1e6))),
  ]);
  const table = tableOf(['CPU µs an event', 'events/s', ...columns, 'cores busy with other work'], rows);
  const warming =
    warm === undefined
      ? ''
      : `\n\nA started aggregator had its id filter warm after ${warm.seconds.toFixed(1)} s with ${count(warm.stored)} events stored.`;
  return [table, tableOf(['Resident MB, events stored', ...parts], memory)].filter((each) => each !== '').join('\n\n') + warming;
}

function storage({ storage: kept }: Results): string {
  if (kept === undefined) return '';
  const per = (bytes: number) => (bytes / kept.stored).toFixed(1);
  const rows = [
    ...kept.tables.map(({ name, rows: stored, bytes }) => [`\`${name}\``, (stored / kept.stored).toFixed(3), per(bytes)]),
    ['Kafka, one copy', '1.000', per(kept.logBytes)],
    ['PostgreSQL', '', per(kept.billingStoreBytes)],
  ];
  return tableOf([`On disk, ${count(kept.stored)} events`, 'rows an event', 'bytes an event'], rows);
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const cells = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows];
  return cells.map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function rate(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function count(value: number): string {
  return value >= 1e6 ? `${Number((value / 1e6).toFixed(1))} million` : Math.round(value).toLocaleString('en');
}
