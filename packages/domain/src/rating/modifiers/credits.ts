import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import { amountOf, type Line, withAmount } from '../line.ts';
import type { MoneyStep } from './money-step.ts';

/**
 * Credits pay in their order until nothing is due; what is left of them stays for later. `previousCredits` were spent before in this
 * period; where a correction brings its charge below them, the difference returns.
 */
export const spendCredits: MoneyStep = (lines, { credits }, { previousAmount, previousCredits }) => {
  if (credits.length === 0 && ratio.sign(previousCredits) === 0) return lines;
  const due = amountOf(lines);
  const charged = ratio.max(ratio.add(previousAmount, due), ratio.ZERO);
  const returned = ratio.subtract(previousCredits, charged);
  if (ratio.sign(returned) > 0) return withAmount(lines, 'credit', returned, () => ({ type: 'credit_returned' }));
  return spendBeyond(lines, credits, previousCredits, due);
};

/** Spends what the credits hold beyond what was spent of them. */
function spendBeyond(lines: readonly Line[], credits: readonly string[], spentBefore: Ratio, charge: Ratio): readonly Line[] {
  let [paid, due, spent] = [lines, charge, spentBefore];
  for (const credit of credits) {
    if (ratio.sign(due) <= 0) break;
    const amount = ratio.read(credit);
    const taken = ratio.min(spent, amount);
    spent = ratio.subtract(spent, taken);
    const pays = ratio.min(ratio.subtract(amount, taken), due);
    paid = withAmount(paid, 'credit', ratio.negate(pays), () => ({ type: 'credit', credit }));
    due = ratio.subtract(due, pays);
  }
  return paid;
}
