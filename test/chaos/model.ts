import { Decimal } from 'decimal.js';

/** A usage event as the driver sent it. Times are unique, so that the latest one is never in doubt. */
export interface CountedEvent {
  readonly id: string;
  readonly subject: string;
  readonly timeMs: number;
  readonly value: string;
  readonly user: string;
  readonly media: string;
}

interface Known {
  readonly versions: CountedEvent[];
  effective: CountedEvent | null;
}

/** What must have been counted in the end, told without anything of the pipeline: each id once, voided ones not, replaced ones as replaced. */
export function createModel() {
  const byId = new Map<string, Known>();
  let corrections = 0;

  return {
    add(event: CountedEvent): void {
      byId.set(event.id, { versions: [event], effective: event });
    },
    void(id: string): void {
      const known = byId.get(id);
      if (known === undefined || known.effective === null) throw new Error(`${id} cannot be voided`);
      known.effective = null;
      corrections += 1;
    },
    replace(event: CountedEvent): void {
      const known = byId.get(event.id);
      if (known === undefined) throw new Error(`${event.id} cannot be replaced`);
      known.versions.push(event);
      known.effective = event;
      corrections += 1;
    },
    /** Log records that the pipeline accepts: every id once, and every correction once. */
    accepted: (): number => byId.size + corrections,
    effective: (): CountedEvent[] => [...byId.values()].flatMap(({ effective }) => effective ?? []),
    /** Everything that ever counted, withdrawn or not: no figure that grows with usage was ever larger. */
    everCounted: (): CountedEvent[] => [...byId.values()].flatMap(({ versions }) => versions),
  };
}

export type Model = ReturnType<typeof createModel>;

export type Totals = Readonly<Record<'calls' | 'minutes' | 'peak' | 'least' | 'last' | 'users', Decimal>>;

/** The six meters over some events. Zero where there are none. */
export function totalsOf(events: readonly CountedEvent[]): Totals {
  let minutes = new Decimal(0);
  let peak: Decimal | undefined;
  let least: Decimal | undefined;
  let latest: CountedEvent | undefined;
  const users = new Set<string>();
  for (const event of events) {
    const value = new Decimal(event.value);
    minutes = minutes.plus(value);
    if (peak === undefined || value.gt(peak)) peak = value;
    if (least === undefined || value.lt(least)) least = value;
    if (latest === undefined || event.timeMs > latest.timeMs) latest = event;
    users.add(event.user);
  }
  const zero = new Decimal(0);
  return {
    calls: new Decimal(events.length),
    minutes,
    peak: peak ?? zero,
    least: least ?? zero,
    last: new Decimal(latest?.value ?? 0),
    users: new Decimal(users.size),
  };
}
