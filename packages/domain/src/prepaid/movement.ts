import { add, compare, decimal, type Decimal, formatDecimal, isNegative, isZero, negate, ZERO } from '../money/index.ts';
import type { Grant } from './grant.ts';

/**
 * - `grant`: it was given; of a carried part, what its minimum adds
 * - `burn` / `refund`: an invoice took units or money, or gave back what it had taken
 * - `expire`: what was left at its end; above zero where usage from before the end came to light and takes it after all
 * - `void`: what was left when it was withdrawn
 * - `carry_over`: what goes from an expired grant to its successor
 */
export const MOVEMENT_KINDS = ['grant', 'burn', 'refund', 'expire', 'void', 'carry_over'] as const;
export type MovementKind = (typeof MOVEMENT_KINDS)[number];

/** One entry of the ledger, before it has its position. `amount` is added to the grant's balance. */
export interface MovementDraft {
  readonly grant: string;
  readonly kind: MovementKind;
  /** Exact decimal, not zero. */
  readonly amount: string;
  /** The line of an invoice that a burn or refund is for. */
  readonly line: string | null;
  /** Number of the earlier invoice whose usage changed; null for the line's own period. */
  readonly adjusts: string | null;
}

/** What the ledger says of one grant. */
export interface GrantBalance {
  readonly grant: Grant;
  readonly balance: Decimal;
  /** What expired and could still be taken by usage from before the end. */
  readonly expired: Decimal;
  /** What went on to its successor. */
  readonly carried: Decimal;
  readonly voided: boolean;
}

export function newBalance(grant: Grant): GrantBalance {
  return { grant, balance: ZERO, expired: ZERO, carried: ZERO, voided: false };
}

/** The balance after one more movement of the grant. */
export function moved(before: GrantBalance, { kind, amount }: Pick<MovementDraft, 'kind' | 'amount'>): GrantBalance {
  const change = decimal(amount);
  return {
    grant: before.grant,
    balance: add(before.balance, change),
    expired: kind === 'expire' ? add(before.expired, negate(change)) : before.expired,
    carried: kind === 'carry_over' && isNegative(change) ? add(before.carried, negate(change)) : before.carried,
    voided: before.voided || kind === 'void',
  };
}

export interface LedgerRow extends Pick<MovementDraft, 'grant' | 'kind' | 'amount'> {
  readonly position: number;
  /** Balance of the grant after it, as it was written down. */
  readonly balance: string;
}

/** What is wrong with a customer's ledger (its rows by position), in words; nothing if it adds up. */
export function ledgerFaults(rows: readonly LedgerRow[]): string[] {
  const faults: string[] = [];
  const balances = new Map<string, Decimal>();
  const expired = new Map<string, Decimal>();
  let carried = ZERO;
  for (const [index, { position, grant, kind, amount, balance }] of rows.entries()) {
    if (position !== index + 1) faults.push(`position ${position} stands where ${index + 1} should`);
    const change = decimal(amount);
    const sum = add(balances.get(grant) ?? ZERO, change);
    balances.set(grant, sum);
    if (compare(sum, decimal(balance)) !== 0) {
      faults.push(`${position}: movements of ${grant} add up to ${formatDecimal(sum)}, its balance says ${balance}`);
    }
    if (isNegative(sum)) faults.push(`${position}: ${grant} is overdrawn by ${formatDecimal(negate(sum))}`);
    if (!isSignRight(kind, change)) faults.push(`${position}: a ${kind} of ${amount}`);
    if (kind === 'carry_over') carried = add(carried, change);
    if (kind !== 'expire') continue;
    const gone = add(expired.get(grant) ?? ZERO, negate(change));
    expired.set(grant, gone);
    if (isNegative(gone)) faults.push(`${position}: more of ${grant} comes back than expired`);
  }
  if (!isZero(carried)) faults.push(`what was carried over and what arrived differ by ${formatDecimal(carried)}`);
  return faults;
}

function isSignRight(kind: MovementKind, change: Decimal): boolean {
  if (isZero(change)) return false;
  if (kind === 'grant' || kind === 'refund') return !isNegative(change);
  return kind === 'burn' || kind === 'void' ? isNegative(change) : true;
}
