import * as ratio from '../../money/ratio.ts';
import { amountOf, exact, withAmount, type Charge } from '../charge.ts';

/** Credits pay in their order until nothing is due; what is left of them stays for later. */
export function spendCredits(charge: Charge): Charge {
  return (charge.modifiers.credits ?? []).reduce((paid, credit) => {
    const due = ratio.max(amountOf(paid.lines), ratio.ZERO);
    return withAmount(paid, 'credit', ratio.negate(ratio.min(exact(credit), due)), `Paid from a credit of ${credit}`);
  }, charge);
}
