import { dimensionNames, type Meter, type SessionTerms } from './meter.ts';
import { compilePath, type CompiledPath } from './path.ts';
import { parseQuantity, QUANTITY_SCALE, type QuantityRefusal } from './quantity.ts';
import type { SessionMark } from './sessions.ts';

/** What one event brings to one meter. */
export interface Contribution {
  /** Values of the meter's dimensions, in their order; '' where the event has none. */
  readonly dims: readonly string[];
  /** Fixed point, 12 decimals; 0 for count, unique_count and peak_concurrency. */
  readonly value: bigint;
  /** unique_count: the text that must be distinct. */
  readonly unique: string | null;
  /** Only of peak_concurrency. */
  readonly session?: SessionContribution;
}

/** A join or leave of a session, or a session that begins with the event and whose length is known. */
export type SessionContribution = { readonly id: string; readonly phase: SessionMark['phase'] } | { readonly durationMs: number };

/** The event breaks a meter's rule and cannot be counted. */
export interface MeterRefusal {
  readonly code: string;
  readonly detail: string;
}

export interface CompiledMeter<M extends Meter = Meter> {
  readonly meter: M;
  /** null: the meter's filter leaves the event out. */
  contributionOf(data: unknown): Contribution | MeterRefusal | null;
}

const NO_DIMS: readonly string[] = [];
const COUNTED: Contribution = { dims: NO_DIMS, value: 0n, unique: null };
const DIMENSION_LENGTH_MAX = 256;

export function isMeterRefusal(result: Contribution | MeterRefusal): result is MeterRefusal {
  return 'code' in result;
}

export function compileMeter<M extends Meter>(meter: M): CompiledMeter<M> {
  const paths = dimensionNames(meter).map((name) => compilePath(meter.dimensions[name] ?? ''));
  const filters = Object.entries(meter.filter).map(([path, accepted]) => ({
    read: compilePath(path),
    accepted: new Set(accepted),
  }));
  const { valueProperty } = meter;
  const readValue = valueProperty === null ? null : compilePath(valueProperty);
  const readSession = meter.session === undefined ? null : compileSession(meter, meter.session);

  function contributionOf(data: unknown): Contribution | MeterRefusal | null {
    for (const { read, accepted } of filters) if (!accepted.has(dimensionText(read(data)))) return null;
    const dims = paths.length === 0 ? NO_DIMS : dimensionTexts(paths, data);
    if (readSession !== null) {
      const session = readSession(data);
      return 'code' in session ? session : { dims, value: 0n, unique: null, session };
    }
    if (readValue === null) return dims === NO_DIMS ? COUNTED : { dims, value: 0n, unique: null };
    const value = readValue(data);
    if (meter.aggregation === 'unique_count') {
      const unique = dimensionText(value);
      return unique === '' ? refusal(meter, valueProperty, 'missing') : { dims, value: 0n, unique };
    }
    const quantity = parseQuantity(value);
    return typeof quantity === 'bigint' ? { dims, value: quantity, unique: null } : refusal(meter, valueProperty, quantity);
  }

  return { meter, contributionOf };
}

function dimensionTexts(paths: readonly CompiledPath[], data: unknown): string[] {
  return paths.map((read) => dimensionText(read(data)).slice(0, DIMENSION_LENGTH_MAX));
}

/** Scalars as text, nothing for null and absent, objects as their JSON. */
function dimensionText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

/** Reads the session of an event: of a join or leave its id and phase, else its duration. */
function compileSession(meter: Meter, terms: SessionTerms): (data: unknown) => SessionContribution | MeterRefusal {
  if ('duration' in terms) {
    const read = compilePath(terms.duration);
    return (data) => {
      const seconds = parseQuantity(read(data));
      return typeof seconds === 'bigint' ? durationOf(meter, terms, seconds) : refusal(meter, terms.duration, seconds);
    };
  }
  const readId = compilePath(terms.id);
  const readPhase = compilePath(terms.phase);
  return (data) => {
    const id = dimensionText(readId(data));
    if (id === '') return refusal(meter, terms.id, 'missing');
    const phase = dimensionText(readPhase(data));
    if (phase === terms.join) return { id, phase: 'join' };
    if (phase === terms.leave) return { id, phase: 'leave' };
    const detail = `data ${terms.phase} must be "${terms.join}" or "${terms.leave}" (meter ${meter.key})`;
    return { code: 'meter.session_phase_unknown', detail };
  };
}

const MILLISECOND = 10n ** BigInt(QUANTITY_SCALE - 3);

function durationOf(
  meter: Meter,
  { duration, maxSeconds }: { readonly duration: string; readonly maxSeconds: number },
  seconds: bigint,
): SessionContribution | MeterRefusal {
  const durationMs = seconds / MILLISECOND;
  if (durationMs * MILLISECOND === seconds && seconds >= 0n && durationMs <= BigInt(maxSeconds * 1000))
    return { durationMs: Number(durationMs) };
  const detail = `data ${duration} must be 0 to ${maxSeconds} seconds, to the millisecond (meter ${meter.key})`;
  return { code: 'meter.session_duration_invalid', detail };
}

const REASONS: Record<QuantityRefusal, { code: string; rule: string }> = {
  missing: { code: 'meter.value_missing', rule: 'is missing' },
  not_numeric: { code: 'meter.value_not_numeric', rule: 'must be a number or decimal text' },
  too_precise: { code: 'meter.value_too_precise', rule: 'must have at most 12 decimals' },
  too_large: { code: 'meter.value_too_large', rule: 'must be at most 10^15 in magnitude' },
};

function refusal(meter: Meter, path: string | null, reason: QuantityRefusal): MeterRefusal {
  const { code, rule } = REASONS[reason];
  return { code, detail: `data ${path ?? ''} ${rule} (meter ${meter.key})` };
}
