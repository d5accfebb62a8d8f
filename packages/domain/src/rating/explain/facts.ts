import type { RoundingMode } from '../../money/index.ts';

/** The share of the period that is charged; null: all of it. With `unit`, these are seconds. */
export type Days = Pick<Extract<Facts, { type: 'flat_fee' }>, 'days' | 'daysInPeriod' | 'unit'>;

interface SharedDays {
  readonly days: string;
  readonly daysInPeriod: string;
  readonly unit: 'second';
}

/**
 * What a line says beside its own quantity, unit amount, amount and tier: enough to tell in words how it came about. All numbers are
 * decimal strings.
 */
export type Facts =
  /** Without days: for the whole period. `count`: of several such fees. */
  | {
      readonly type: 'flat_fee';
      readonly count?: string;
      readonly days: string | null;
      readonly daysInPeriod: string | null;
      readonly unit?: 'second';
    }
  | { readonly type: 'one_time_fee'; readonly count?: string }
  /** `quantity` units at `unitAmount`. */
  | { readonly type: 'units' }
  /** As units, of one tier. */
  | { readonly type: 'tier_units' }
  /** `quantity` of money at a percentage, of one tier. */
  | { readonly type: 'tier_rate'; readonly rate: string }
  | { readonly type: 'tier_fee'; readonly flatAmount: string }
  /** `quantity` packages at `unitAmount`. */
  | { readonly type: 'packages'; readonly packageSize: string; readonly freeUnits: string | null }
  /** `quantity` of money at a percentage. */
  | { readonly type: 'rate'; readonly rate: string }
  /** `quantity` events at `unitAmount`. */
  | { readonly type: 'event_fees' }
  /** What the limit of the fee of each of `quantity` events adds, or takes off. */
  | { readonly type: 'event_minimum'; readonly minimum: string }
  | { readonly type: 'event_maximum'; readonly maximum: string }
  | { readonly type: 'free_events' }
  | { readonly type: 'free_amount' }
  | { readonly type: 'multiplied'; readonly multiplier: string }
  | {
      readonly type: 'seats';
      readonly includedSeats: string | null;
      readonly minimumSeats: string | null;
      readonly days: string | null;
      readonly daysInPeriod: string | null;
      readonly unit?: 'second';
    }
  | { readonly type: 'seat_change'; readonly days: string; readonly daysInPeriod: string; readonly unit?: 'second' }
  /** `source` units became `quantity` units. */
  | {
      readonly type: 'converted';
      readonly source: string;
      readonly operation: 'multiply' | 'divide';
      readonly factor: string;
      readonly rounding: { readonly mode: RoundingMode; readonly decimals: number; readonly scope: 'event' | 'total' } | null;
    }
  /** `source` units of a dimension's `value` count as `quantity`. */
  | { readonly type: 'weighted'; readonly value: string; readonly source: string; readonly factor: string }
  | { readonly type: 'free_units'; readonly units: string }
  | { readonly type: 'allowance'; readonly units: string; readonly carriedUnits: string | null }
  /** `quantity` units of an allowance go on to the next period, which takes at most `maximumUnits`; null: however many. */
  | { readonly type: 'carried_over'; readonly maximumUnits: string | null }
  /** `quantity` units of usage that prepaid packs of this name cover. */
  | { readonly type: 'prepaid'; readonly name: string }
  | { readonly type: 'no_price' }
  /** What follows is charged at what the customer agreed on, under that revision of it. */
  | { readonly type: 'negotiated'; readonly revision: number }
  | { readonly type: 'percent_off'; readonly percent: string }
  /** With days, where the limit holds for a part of the period. */
  | ({ readonly type: 'maximum'; readonly limit: string } & Partial<SharedDays>)
  | ({ readonly type: 'minimum'; readonly limit: string } & Partial<SharedDays>)
  | { readonly type: 'credit'; readonly credit: string }
  | { readonly type: 'credit_returned' }
  | { readonly type: 'billed_before' }
  /** `amount` is what rounding added, or took off. */
  | {
      readonly type: 'rounded';
      readonly mode: RoundingMode;
      readonly scope: 'event' | 'line' | 'charge' | 'invoice' | 'cumulative';
      readonly exactAmount: string;
      readonly roundedAmount: string;
    };

/** Where in the charge a line belongs. */
export interface LineContext {
  /** Beyond the allowance, at its overage price. */
  readonly overage?: true;
  /** Takes back what was billed for the usage before. */
  readonly takenBack?: true;
  /** The dimension values that the usage was priced by. */
  readonly group?: Readonly<Record<string, string>>;
  /** The amount before this line was rounded by itself. */
  readonly roundedFrom?: string;
  /** Which of several prices in force within the period, from 1. */
  readonly version?: number;
}
