import type { Ratio } from '../money/ratio.ts';
import type { Line } from './line.ts';
import type { RateUsage } from './models/model.ts';
import type { Usage } from './usage.ts';

/** Usage that is still to be priced, by the price itself (`overage` null) or that of overage. */
export interface Portion {
  readonly overage: RateUsage | null;
  readonly usage: Usage;
}

/** A charge in the making: each step prices, splits or changes what the steps before it left. */
export interface Charge {
  readonly portions: readonly Portion[];
  readonly lines: readonly Line[];
  /** Units of the allowance that earlier periods left over. */
  readonly carriedUnits: Ratio;
}

export type Step = (charge: Charge) => Charge;
