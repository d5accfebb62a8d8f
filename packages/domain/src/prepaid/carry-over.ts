import {
  add,
  currencyExponent,
  decimal,
  type Decimal,
  formatDecimal,
  isZero,
  max,
  min,
  multiply,
  negate,
  roundDecimal,
  subtract,
  ZERO,
} from '../money/index.ts';
import type { CarryOver, Grant } from './grant.ts';
import type { GrantBalance, MovementDraft } from './movement.ts';

const ONE_PERCENT = decimal('0.01');
const QUANTITY_PLACES = 12;

/** How much of `left` goes on at the end of a grant: its share, cut to `places` digits, at most the maximum. */
export function carriedOver(left: Decimal, rule: Pick<CarryOver, 'percent' | 'maximum'>, places = QUANTITY_PLACES): Decimal {
  const share = roundDecimal(multiply(multiply(max(left, ZERO), decimal(rule.percent)), ONE_PERCENT), places, 'down');
  return rule.maximum === null ? share : min(share, decimal(rule.maximum));
}

export interface Settlement {
  /** The grant that the carried part becomes; null if nothing is carried. It may exist already. */
  readonly successor: Grant | null;
  readonly movements: readonly MovementDraft[];
}

/**
 * What becomes of the rest of a grant that has ended (expired, or was withdrawn) once all usage from before its end is billed. What is
 * given back to it later is settled again: the share is always that of everything that was left, and what was carried is never taken back.
 */
export function settle({ grant, balance, expired, carried, voided }: GrantBalance, nowMs: number): Settlement {
  if (isZero(balance)) return { successor: null, movements: [] };
  if (voided) return { successor: null, movements: [movement(grant.id, 'void', negate(balance))] };
  const successor = successorOf(grant, nowMs);
  const places = grant.currency === null ? QUANTITY_PLACES : currencyExponent(grant.currency);
  const left = add(balance, add(expired, carried));
  const due = grant.carryOver === null ? ZERO : subtract(carriedOver(left, grant.carryOver, places), carried);
  const moving = min(max(due, ZERO), balance);
  const rest = subtract(balance, moving);
  const carrying =
    successor === null || isZero(moving)
      ? []
      : [movement(grant.id, 'carry_over', negate(moving)), movement(successor.id, 'carry_over', moving)];
  return {
    successor: carrying.length === 0 || successor === null ? null : { ...successor, amount: formatDecimal(moving) },
    movements: [...carrying, ...(isZero(rest) ? [] : [movement(grant.id, 'expire', negate(rest))])],
  };
}

function successorOf(grant: Grant, nowMs: number): Grant | null {
  if (grant.carryOver === null || grant.expiresAtMs === null) return null;
  return {
    ...grant,
    id: `${grant.id}_carried`,
    // Blanks and brackets are not for keys that are given: it cannot be taken.
    key: `${grant.key} (carried over)`,
    name: `${grant.name} (carried over)`,
    effectiveAtMs: grant.expiresAtMs,
    expiresAtMs: grant.carryOver.expiresAtMs,
    createdAtMs: nowMs,
    cost: null,
    carryOver: null,
    carriedFrom: grant.id,
  };
}

function movement(grant: string, kind: MovementDraft['kind'], amount: Decimal): MovementDraft {
  return { grant, kind, amount: formatDecimal(amount), line: null, adjusts: null };
}
