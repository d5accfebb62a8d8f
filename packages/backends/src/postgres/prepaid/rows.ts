import { decimal } from '@meterline/domain/money';
import type { CarryOver, Grant, GrantBalance, MovementKind, UnitConversion } from '@meterline/domain/prepaid';
import type { Movement } from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull } from '../catalog/rows.ts';

export interface GrantRow {
  readonly id: string;
  readonly customer: string;
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  readonly filter: Record<string, string[]>;
  readonly unit_conversion: UnitConversion | null;
  readonly currency: string | null;
  readonly amount: string;
  readonly priority: number;
  readonly effective_at: string;
  readonly expires_at: string | null;
  readonly cost: string | null;
  readonly carry_over: CarryOver | null;
  readonly carried_from: string | null;
  readonly created_at: string;
}

export const grant = (row: GrantRow): Grant => ({
  id: row.id,
  key: row.key,
  name: row.name,
  units: row.meter === null ? null : { meter: row.meter, filter: row.filter, conversion: row.unit_conversion },
  currency: row.currency,
  amount: row.amount,
  priority: row.priority,
  effectiveAtMs: epochMs(row.effective_at),
  expiresAtMs: epochMsOrNull(row.expires_at),
  createdAtMs: epochMs(row.created_at),
  cost: row.cost,
  carryOver: row.carry_over,
  carriedFrom: row.carried_from,
});

export interface BalanceRow extends GrantRow {
  readonly balance: string;
  readonly expired: string;
  readonly carried: string;
  readonly voided: boolean;
}

export const grantBalance = (row: BalanceRow): GrantBalance => ({
  grant: grant(row),
  balance: decimal(row.balance),
  expired: decimal(row.expired),
  carried: decimal(row.carried),
  voided: row.voided,
});

export interface MovementRow {
  readonly tenant: string;
  readonly customer: string;
  readonly position: string;
  readonly grant: string;
  readonly kind: MovementKind;
  readonly amount: string;
  readonly balance: string;
  readonly invoice: string | null;
  readonly line: string | null;
  readonly adjusts: string | null;
  readonly booked_at: string;
}

export const movement = (row: MovementRow): Movement => ({
  position: Number(row.position),
  grant: row.grant,
  kind: row.kind,
  amount: row.amount,
  balance: row.balance,
  invoice: row.invoice,
  line: row.line,
  adjusts: row.adjusts,
  bookedAtMs: epochMs(row.booked_at),
});
