import { compare, decimal, type Decimal, min, multiply, subtract } from '@meterline/domain/money';
import type { Terminal } from '../terminal.ts';
import { groupDigits } from './digits.ts';
import { table } from './table.ts';

interface Figures {
  readonly meter: string | null;
  readonly filter: Readonly<Record<string, readonly string[]>>;
  readonly currency: string | null;
  readonly balance: string;
  readonly pending: string;
  readonly available: string;
}

/** `GET /v1/customers/{key}/balances`. */
export interface Balances {
  readonly customer: string;
  readonly at: string;
  readonly position: number;
  readonly grants: readonly (Figures & {
    readonly key: string;
    readonly amount: string;
    readonly state: string;
    readonly effectiveAt: string;
    readonly expiresAt: string | null;
  })[];
  readonly totals: readonly Figures[];
}

const BAR_CELLS = 20;

/** What is left of each grant, as a bar of what it once was, and of all of one kind together. */
export function balancesText({ customer, at, position, grants, totals }: Balances, { paint }: Pick<Terminal, 'paint'>): string {
  if (grants.length === 0) return `${paint('bold', customer)} has no grants.`;
  const rows = grants.map((grant) => {
    const left = subtract(decimal(grant.balance), decimal(grant.pending));
    return [
      grant.key,
      usableFor(grant),
      bar(left, decimal(grant.amount)),
      groupDigits(grant.available),
      groupDigits(grant.pending),
      groupDigits(grant.amount),
      untilText(grant),
    ];
  });
  const sums = totals.map((total) => {
    const [of, available, pending] = [usableFor(total), groupDigits(total.available), groupDigits(total.pending)];
    return `${of}: ${paint('bold', `${available} available`)}, ${pending} used and not invoiced yet`;
  });
  return [
    paint('bold', customer),
    '',
    table(
      [
        { title: 'grant' },
        { title: 'for' },
        { title: 'left' },
        { title: 'available', align: 'right' },
        { title: 'pending', align: 'right' },
        { title: 'of', align: 'right' },
        { title: 'state' },
      ],
      rows,
    ),
    '',
    ...sums,
    paint('dim', `At ${at}, movement ${position} of the ledger.`),
  ].join('\n');
}

/** Full cells for what is left; what is not quite nothing shows at least one. */
export function bar(left: Decimal, whole: Decimal): string {
  const cells = [...Array(BAR_CELLS).keys()].filter((cell) => {
    const reached = multiply(whole, decimal(String(cell)));
    return compare(multiply(min(left, whole), decimal(String(BAR_CELLS))), reached) > 0;
  });
  return '█'.repeat(cells.length).padEnd(BAR_CELLS, '░');
}

function usableFor({ meter, currency, filter }: Pick<Figures, 'meter' | 'currency' | 'filter'>): string {
  const values = Object.entries(filter).map(([name, each]) => `${name} ${each.join(' or ')}`);
  return meter === null ? (currency ?? '') : [meter, ...values].join(', ');
}

function untilText({ state, effectiveAt, expiresAt }: Balances['grants'][number]): string {
  if (state === 'scheduled') return `from ${effectiveAt}`;
  return state === 'active' && expiresAt !== null ? `until ${expiresAt}` : state;
}
