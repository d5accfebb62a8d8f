import { dimensionNames, type Meter } from './meter.ts';
import { compilePath, type CompiledPath } from './path.ts';
import { parseQuantity, type QuantityRefusal } from './quantity.ts';

/** What one event brings to one meter. */
export interface Contribution {
  /** Values of the meter's dimensions, in their order; '' where the event has none. */
  readonly dims: readonly string[];
  /** Fixed point, 12 decimals; 0 for count and unique_count. */
  readonly value: bigint;
  /** unique_count: the text that must be distinct. */
  readonly unique: string | null;
}

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
  const readValue = meter.valueProperty === null ? null : compilePath(meter.valueProperty);

  function contributionOf(data: unknown): Contribution | MeterRefusal | null {
    for (const { read, accepted } of filters) if (!accepted.has(dimensionText(read(data)))) return null;
    const dims = paths.length === 0 ? NO_DIMS : dimensionTexts(paths, data);
    if (readValue === null) return dims === NO_DIMS ? COUNTED : { dims, value: 0n, unique: null };
    const value = readValue(data);
    if (meter.aggregation === 'unique_count') {
      const unique = dimensionText(value);
      return unique === '' ? refusal(meter, 'missing') : { dims, value: 0n, unique };
    }
    const quantity = parseQuantity(value);
    return typeof quantity === 'bigint' ? { dims, value: quantity, unique: null } : refusal(meter, quantity);
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

const REASONS: Record<QuantityRefusal, { code: string; rule: string }> = {
  missing: { code: 'meter.value_missing', rule: 'is missing' },
  not_numeric: { code: 'meter.value_not_numeric', rule: 'must be a number or decimal text' },
  too_precise: { code: 'meter.value_too_precise', rule: 'must have at most 12 decimals' },
  too_large: { code: 'meter.value_too_large', rule: 'must be at most 10^15 in magnitude' },
};

function refusal(meter: Meter, reason: QuantityRefusal): MeterRefusal {
  const { code, rule } = REASONS[reason];
  return { code, detail: `data ${meter.valueProperty ?? ''} ${rule} (meter ${meter.key})` };
}
