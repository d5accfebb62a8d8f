/**
 * What a meter measured in a billing period, or in a part of it, as finely as `usageNeeds` asks. Quantities and values are decimal
 * strings, before any conversion.
 */
export interface MeteredUsage {
  readonly quantity: string;
  /** Events behind the quantity. */
  readonly events: number;
  /**
   * The same usage by the values of the needed dimensions, each combination once. Counts and sums add up to `quantity`. Other
   * aggregations (a maximum, unique users) do not add up: there each group has its own quantity, and a price by dimensions adds up
   * what it finds in the groups.
   */
  readonly groups?: readonly UsageGroup[] | undefined;
  /** The values of single events; for a sum they add up to `quantity`, for a count each is 1. */
  readonly values?: readonly EventValue[] | undefined;
  /** For a price per seat: how the seats held at the beginning, `quantity`, changed within the period, in time order. */
  readonly seatChanges?: readonly SeatChange[] | undefined;
}

export interface UsageGroup {
  /** Every needed dimension; "" where events had no value. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly quantity: string;
  /** Absent: not known, which only a fee per event asks for. */
  readonly events?: number | undefined;
  readonly values?: readonly EventValue[] | undefined;
}

/** Events of the same value: each value once, in no particular order. */
export interface EventValue {
  readonly value: string;
  readonly events: number;
}

/** Seats added, or given back (below zero), and for how many days of the billing period they are held, or no longer held. */
export interface SeatChange {
  readonly seats: string;
  readonly days: number;
}
