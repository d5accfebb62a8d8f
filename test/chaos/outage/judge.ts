import type { ServiceName } from '../../cluster/index.ts';
import type { Answer } from './load.ts';
import type { Sample } from './watch.ts';

export type OutageEngine = 'clickhouse' | 'kafka';
/** Killed; connections reset and refused; or connections kept and nothing answered. */
export type OutageKind = 'kill' | 'refuse' | 'hold';

/** Times by `performance.now()`. */
export interface Outage {
  readonly engine: OutageEngine;
  readonly how: OutageKind;
  /** Since when it was away for all, and until when. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** When every service was ready again, or it was waited for no longer. */
  readonly readyMs: number;
}

export interface Bounds {
  /** METERLINE_INGEST_LAG_EVENTS_MAX. */
  readonly lagEventsMax: number;
  /** METERLINE_INGEST_IN_FLIGHT_BYTES_MAX. */
  readonly inFlightBytesMax: number;
  /** Of resident memory of a process. */
  readonly residentBytesMax: Readonly<Record<ServiceName, number>>;
  readonly readyAgainMsMax: number;
}

interface Expected {
  /** The check of `/readyz` that fails, in these services and in no other. */
  readonly check: string;
  readonly unready: readonly ServiceName[];
  /** How ingest may answer, by status and code, and how it must at least once. */
  readonly allowed: readonly string[];
  readonly needed: readonly string[];
}

const ACCEPTED = '202';
const BUSY = '503 ingest.overloaded';
const TOO_FAR_BEHIND = '503 ingest.too_far_behind';
const NOT_STORED = '503 ingest.not_stored';

const EXPECTED: Readonly<Record<OutageEngine, Expected>> = {
  // The log takes events until usage is too far behind.
  clickhouse: {
    check: 'usage store',
    unready: ['aggregator', 'rating-worker', 'api'],
    allowed: [ACCEPTED, TOO_FAR_BEHIND, BUSY],
    needed: [ACCEPTED, TOO_FAR_BEHIND],
  },
  // Nothing is durable, so nothing is accepted: after the tries of some, others find no room.
  kafka: {
    check: 'event log',
    unready: ['ingest', 'aggregator', 'rating-worker'],
    allowed: [NOT_STORED, BUSY, TOO_FAR_BEHIND],
    needed: [NOT_STORED],
  },
};

/** By then an outage shows: Kafka is asked every 5 s, and it takes 3 s to give up connecting, 10 s to give up an answer. */
const SHOWS_AFTER_MS: Readonly<Record<OutageKind, number>> = { kill: 8_500, refuse: 8_500, hold: 20_000 };

export const outcomeOf = ({ status, code }: Answer): string => (code === '' ? String(status) : `${status} ${code}`);

/** Requests that were sent and answered while the engine was away. */
export const answersIn = ({ startedMs, endedMs }: Outage, answers: readonly Answer[]): Answer[] =>
  answers.filter(({ sentMs, answeredMs }) => sentMs >= startedMs && answeredMs <= endedMs);

/** What was not as DESIGN section 5 and the guides say; nothing if all was. */
export function judge(
  outages: readonly Outage[],
  answers: readonly Answer[],
  samples: readonly Sample[],
  bounds: Bounds,
): string[] {
  return [
    ...everyAnswer(answers),
    ...everySample(samples, bounds),
    ...outages.flatMap((outage) => [
      ...answersDiffer(outage, answersIn(outage, answers)),
      ...readinessDiffers(outage, samples),
      ...(outage.engine === 'clickhouse' ? lagDiffers(outage, answers, samples, bounds) : []),
      ...(outage.readyMs - outage.endedMs > bounds.readyAgainMsMax
        ? [`${outage.engine}: not every service was ready ${bounds.readyAgainMsMax} ms after its return`]
        : []),
    ]),
  ];
}

function everyAnswer(answers: readonly Answer[]): string[] {
  const wrong = answers.filter(({ status, retryAfterSeconds }) => {
    if (status === 202) return false;
    return status !== 503 || retryAfterSeconds === null || retryAfterSeconds < 1;
  });
  return unique(wrong.map((answer) => `a request was answered ${outcomeOf(answer)}, Retry-After ${answer.retryAfterSeconds}`));
}

function everySample(samples: readonly Sample[], { inFlightBytesMax, residentBytesMax }: Bounds): string[] {
  return unique(
    samples.flatMap(({ service, residentBytes, gauges }) => [
      ...(residentBytes > residentBytesMax[service]
        ? [`${service} took more than ${residentBytesMax[service]} bytes of memory`]
        : []),
      ...((gauges.get('ingest_in_flight_bytes') ?? 0) > inFlightBytesMax
        ? [`more than ${inFlightBytesMax} bytes in flight`]
        : []),
    ]),
  );
}

function answersDiffer({ engine }: Outage, answers: readonly Answer[]): string[] {
  const { allowed, needed } = EXPECTED[engine];
  const outcomes = new Set(answers.map(outcomeOf));
  return [
    ...[...outcomes].filter((outcome) => !allowed.includes(outcome)).map((outcome) => `${engine} away: answered ${outcome}`),
    ...needed.filter((outcome) => !outcomes.has(outcome)).map((outcome) => `${engine} away: never answered ${outcome}`),
  ];
}

function readinessDiffers({ engine, how, startedMs, endedMs }: Outage, samples: readonly Sample[]): string[] {
  const { check, unready } = EXPECTED[engine];
  const away = samples.filter(({ askedMs, atMs }) => askedMs > startedMs + SHOWS_AFTER_MS[how] && atMs < endedMs);
  const differences = away.flatMap(({ service, failing }) => {
    const isRed = failing.some((reason) => reason.startsWith(`${check}:`));
    if (isRed === unready.includes(service)) return [];
    return [`${engine} away: /readyz of ${service} ${isRed ? 'is red' : 'does not say so'}`];
  });
  const unseen = unready.filter((service) => away.every((sample) => sample.service !== service));
  return unique([...differences, ...unseen.map((service) => `${engine} away: ${service} was not seen`)]);
}

/** The backlog shows, and from where it is too long nothing more is let in. */
function lagDiffers(
  { startedMs, endedMs }: Outage,
  answers: readonly Answer[],
  samples: readonly Sample[],
  bounds: Bounds,
): string[] {
  const behind = (name: string) =>
    samples.filter(
      ({ askedMs, atMs, gauges }) => askedMs > startedMs && atMs < endedMs && (gauges.get(name) ?? 0) > bounds.lagEventsMax,
    );
  const differences = ['ingest_lag_events', 'aggregation_lag_events']
    .filter((name) => behind(name).length === 0)
    .map((name) => `clickhouse away: meterline_${name} does not show the backlog`);
  const closedMs = behind('ingest_lag_events')[0]?.atMs ?? Infinity;
  const letIn = answers.filter(({ sentMs, answeredMs, status }) => sentMs > closedMs && answeredMs < endedMs && status === 202);
  return letIn.length === 0
    ? differences
    : [...differences, `clickhouse away: ${letIn.length} requests were let in too far behind`];
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
