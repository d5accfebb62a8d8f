import { Fault } from '../faults/index.ts';

/** Reads one place in an event's `data`; undefined when there is nothing. */
export type CompiledPath = (data: unknown) => unknown;

// One step of a singular JSONPath (RFC 9535): .name, ['name'], ["name"] or [index]
const STEP =
  /\.([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)|\['((?:[^'\\]|\\['\\])*)'\]|\["((?:[^"\\]|\\["\\])*)"\]|\[(0|[1-9]\d{0,8})\]/y;
const PATH_LENGTH_MAX = 256;

/**
 * Compiles a singular JSONPath such as `$.a.b[0]['c d']`: the subset of RFC 9535 that names at most one value.
 * Own code because an event takes this path thousands of times a second, and general JSONPath engines evaluate expressions.
 * @throws Fault `meter.path_invalid`
 */
export function compilePath(path: string): CompiledPath {
  const steps = parseSteps(path);
  const [only] = steps;
  if (steps.length === 1 && typeof only === 'string') return (data) => property(data, only);
  return (data) => {
    let value = data;
    for (const step of steps) value = property(value, step);
    return value;
  };
}

function parseSteps(path: string): (string | number)[] {
  const invalid = (): Fault =>
    new Fault(
      'invalid',
      'meter.path_invalid',
      `"${path.slice(0, 80)}" is not a path like $.name, $.a.b[0] or $['a name'] to one value in data`,
    );
  if (!path.startsWith('$') || path.length < 2 || path.length > PATH_LENGTH_MAX) throw invalid();
  const steps: (string | number)[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (!match) throw invalid();
    const [, name, single, double, index] = match;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name ?? (single ?? double ?? '').replace(/\\(.)/g, '$1'));
  }
  return steps;
}

function property(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (typeof step === 'number') return Array.isArray(value) ? value[step] : undefined;
  if (Array.isArray(value) || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string, unknown>)[step];
}
