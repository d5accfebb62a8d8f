import { add, compare, decimal, type Decimal, formatMoney, max, min, subtract, ZERO } from '../money/index.ts';
import type { Commitment } from './commitment.ts';
import type { CommitmentSettlement, SettlementKind } from './settle.ts';

/** What a change does to what was committed. Money is decimal text with the currency's digits. */
export interface CommitmentDifference {
  readonly before: Commitment | null;
  readonly after: Commitment | null;
  /** Of a minimum paid in advance: what is neither for the days so far nor used; null: nothing. */
  readonly givenBack: string | null;
  /** Of the same: for the days so far, and not used; null: nothing. */
  readonly lost: string | null;
  /** What spend so far is raised by to the minimum of the days so far; null: nothing. */
  readonly trueUp: string | null;
  /** The minimum that is paid in advance from the change on; null: none. */
  readonly dueInAdvance: string | null;
  /** The same in words; null where there is nothing to say. */
  readonly message: string | null;
}

interface Changed {
  readonly before: Commitment | null;
  readonly after: Commitment | null;
  /** When the change takes effect, RFC 3339: terms end and begin with it. */
  readonly at: string;
  readonly currency: string;
}

/** `settlements`: of the invoices that come with the change, in order. Null where no commitment ends, begins or changes. */
export function commitmentDifference(
  { before, after, at, currency }: Changed,
  settlements: readonly CommitmentSettlement[],
): CommitmentDifference | null {
  const ending = settlements.filter(({ term }) => term.to === at);
  const starting = settlements.filter(({ term }) => term.from === at);
  if (ending.length === 0 && JSON.stringify(before) === JSON.stringify(after)) return null;
  const money = (amount: Decimal) => (compare(amount, ZERO) > 0 ? formatMoney(amount, currency) : null);
  const billed = (kind: SettlementKind, of: readonly CommitmentSettlement[]) =>
    of
      .flatMap(({ lines }) => lines)
      .filter((line) => line.kind === kind)
      .reduce((sum, { amount }) => add(sum, decimal(amount)), ZERO);
  const amounts = {
    givenBack: money(leftOver(ending)),
    lost: money(decimal(ending.at(-1)?.remaining ?? '0')),
    trueUp: money(billed('true_up', ending)),
    dueInAdvance: money(billed('fee', starting)),
  };
  return { before, after, ...amounts, message: messageOf(amounts, ending.at(-1)) };
}

/** Of what was paid in advance: what neither the days so far nor the spend so far have used. */
function leftOver(ending: readonly CommitmentSettlement[]): Decimal {
  const [first, last] = [ending[0], ending.at(-1)];
  if (first === undefined || last === undefined) return ZERO;
  const paid = decimal(first.settledBefore.fee);
  const spent = min(add(decimal(last.spend), decimal(last.due.cap)), paid);
  return subtract(paid, max(decimal(last.due.fee), spent));
}

function messageOf(
  { givenBack, lost, trueUp, dueInAdvance }: Pick<CommitmentDifference, 'givenBack' | 'lost' | 'trueUp' | 'dueInAdvance'>,
  ended: CommitmentSettlement | undefined,
): string | null {
  const minimum = ended?.minimum ?? '0';
  const said = [
    givenBack && `${givenBack} of what was paid in advance is given back`,
    lost && `${lost} of the ${minimum} for the days so far is not used, and lost`,
    trueUp && `spend is raised by ${trueUp} to the ${minimum} committed for the days so far`,
    dueInAdvance && `${dueInAdvance} is due in advance for the new commitment`,
  ].filter((each) => each !== null);
  return said.length === 0 ? null : said.join('; ');
}
