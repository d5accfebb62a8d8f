export { type LineDraw, type LineDrawn, PrepaidAccount, type PrepaidState } from './account.ts';
export { BURN_ORDERS, type BurnOrder, compareBurn, isFree } from './burn-order.ts';
export { carriedOver, type Settlement, settle } from './carry-over.ts';
export { quantityOf } from './conversion.ts';
export type { Drawn } from './draw.ts';
export { type CarryOver, type Grant, isEffectiveAt, type UnitConversion, type UnitsScope, usableWindow } from './grant.ts';
export { moneySlices } from './money-slices.ts';
export {
  type GrantBalance,
  ledgerFaults,
  type LedgerRow,
  MOVEMENT_KINDS,
  moved,
  type MovementDraft,
  type MovementKind,
  newBalance,
} from './movement.ts';
export { beyond, intervalsAt, type Slice } from './slice.ts';
export {
  coveredQuantity,
  type CreditApplied,
  drawnCredits,
  drawnUnits,
  entriesOf,
  type PrepaidStatement,
  type UnitsDrawn,
} from './statement.ts';
