import { expect, it } from 'vitest';
import { SERVICES, type ServiceName } from '../../cluster/index.ts';
import { judge, type Bounds, type Outage, type OutageEngine } from './judge.ts';
import type { Answer } from './load.ts';
import type { Sample } from './watch.ts';

const BOUNDS: Bounds = {
  lagEventsMax: 100,
  inFlightBytesMax: 1_000,
  residentBytesMax: { ingest: 500, api: 500, aggregator: 500, 'rating-worker': 500 },
  readyAgainMsMax: 10_000,
};
const CHECKS = { clickhouse: 'usage store', kafka: 'event log' };
const UNREADY = { clickhouse: ['aggregator', 'rating-worker', 'api'], kafka: ['ingest', 'aggregator', 'rating-worker'] };

/** Away from second 10 to 30, seen once a second; usage is too far behind from second 20 on. */
function runOf(engine: OutageEngine) {
  const outage: Outage = { engine, how: 'kill', startedMs: 10_000, endedMs: 30_000, readyMs: 33_000 };
  const isAway = (ms: number): boolean => ms > 10_000 && ms < 30_000;
  const seconds = Array.from({ length: 40 }, (_, second) => second * 1000 + 500);
  const answers = seconds.map((sentMs): Answer => {
    const refusal = engine === 'kafka' ? 'ingest.not_stored' : sentMs > 20_000 ? 'ingest.too_far_behind' : '';
    const code = isAway(sentMs) ? refusal : '';
    return { sentMs, answeredMs: sentMs + 100, status: code === '' ? 202 : 503, code, retryAfterSeconds: code === '' ? null : 1 };
  });
  const samples = seconds.flatMap((askedMs) =>
    SERVICES.map((service: ServiceName): Sample => {
      const failing = isAway(askedMs) && UNREADY[engine].includes(service) ? [`${CHECKS[engine]}: away`] : [];
      const lag = engine === 'clickhouse' && isAway(askedMs) ? (askedMs - 10_000) / 100 + 5 : 0;
      const gauges = new Map([['ingest_lag_events', lag], ['aggregation_lag_events', lag], ['ingest_in_flight_bytes', 900]]); // prettier-ignore
      return { askedMs, atMs: askedMs + 10, service, failing, gauges, residentBytes: 400 };
    }),
  );
  return { outage, answers, samples };
}

type Run = ReturnType<typeof runOf>;

const judged = ({ outage, answers, samples }: Run): string => judge([outage], answers, samples, BOUNDS).join('; ');

/** The same with one answer or sample changed: those at this second. */
const answered = (run: Run, atMs: number, change: Partial<Answer>): Run => ({
  ...run,
  answers: run.answers.map((answer) => (answer.sentMs === atMs ? { ...answer, ...change } : answer)),
});
const seen = (run: Run, atMs: number, service: ServiceName, change: Partial<Sample>): Run => ({
  ...run,
  samples: run.samples.map((one) => (one.askedMs === atMs && one.service === service ? { ...one, ...change } : one)),
});

it.each(['clickhouse', 'kafka'] as const)('finds nothing wrong with an outage of %s that went as it must', (engine) => {
  expect(judged(runOf(engine))).toBe('');
});

const clickhouse = runOf('clickhouse');
const kafka = runOf('kafka');

it.each<[string, Run, string]>([
  ['no answer', answered(kafka, 5_500, { status: 0, code: 'timeout' }), 'answered 0 timeout'],
  ['no Retry-After', answered(kafka, 15_500, { retryAfterSeconds: null }), 'Retry-After null'],
  ['events accepted that cannot be durable', answered(kafka, 15_500, { status: 202, code: '' }), 'answered 202'],
  ['events refused that the log would take', answered(clickhouse, 15_500, { status: 503, code: 'ingest.not_stored', retryAfterSeconds: 1 }), 'answered 503 ingest.not_stored'], // prettier-ignore
  ['events let in too far behind', answered(clickhouse, 25_500, { status: 202, code: '' }), '1 requests were let in too far behind'], // prettier-ignore
  ['a backlog that does not show', { ...clickhouse, samples: clickhouse.samples.map((one) => ({ ...one, gauges: new Map() })) }, 'meterline_ingest_lag_events does not show'], // prettier-ignore
  [
    'a service that seems ready',
    seen(clickhouse, 25_500, 'aggregator', { failing: [] }),
    '/readyz of aggregator does not say so',
  ],
  ['a service that is not concerned', seen(clickhouse, 25_500, 'ingest', { failing: ['usage store: away'] }), '/readyz of ingest is red'], // prettier-ignore
  ['too much in flight', seen(kafka, 25_500, 'ingest', { gauges: new Map([['ingest_in_flight_bytes', 1_001]]) }), 'more than 1000 bytes in flight'], // prettier-ignore
  ['too much memory', seen(kafka, 25_500, 'api', { residentBytes: 501 }), 'api took more than 500 bytes'],
  ['services that stay unready', { ...kafka, outage: { ...kafka.outage, readyMs: 41_000 } }, 'not every service was ready'],
])('finds %s', (_what, run, difference) => {
  expect(judged(run)).toContain(difference);
});
