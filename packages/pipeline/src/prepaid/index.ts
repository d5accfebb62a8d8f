export { type CardUsage, drawPrepaid } from './draw-periods.ts';
export { billedBeforeInvoice, billedPeriod, type DraftedPrepaid, drawingOfInvoice, invoiceGrants } from './invoice-grants.ts';
export type { BilledPeriod, DrawingPeriod, PeriodPrepaid, PrepaidEntries, StatedPeriod } from './period.ts';
export { settleRests, type SettlePorts } from './settle-rests.ts';
export { type GrantInUse, spendGrants, type SpendPrepaid, type UnbilledPeriod } from './spend-grants.ts';
