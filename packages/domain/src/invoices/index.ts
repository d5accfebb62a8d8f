export { billedDays } from './billed-days.ts';
export { dayTold, daysTold, untilTold } from './days-told.ts';
export { adjustmentsFor, totalOf } from './adjustments.ts';
export { type IssuedCharges, settleTerm, totalDue } from './commitments.ts';
export { type Carried, carriedAsKnown, carriedOn, handedOn, takenOver } from './carry-over.ts';
export type { CoveredUsage, Coverage } from './coverage.ts';
export {
  type BilledInAdvance,
  type BilledOnInterim,
  type CreditNoteTerms,
  formatInvoiceNumber,
  type InterimTerms,
  type InvoiceAdjustment,
  type InvoiceDocument,
  type InvoiceLine,
  type InvoiceLinePart,
  type InvoicePeriod,
  type StatedPhase,
} from './document.ts';
export {
  CREDIT_REASONS,
  creditNoteLines,
  creditNoteNumber,
  isCutShort,
  sharingOf,
  UNUSED_TIME,
  type UnusedTime,
} from './credit-note.ts';
export { feeDocumentsOf, type FeeDocuments, feeLines, feesBilled, feesByLine, isGivenBackWhole } from './fees.ts';
export {
  billedOnInterims,
  cardsOnInterims,
  charged,
  type EarlierDocuments,
  earlierDocuments,
  heldBack,
  takenOff,
  withoutMinimum,
} from './interim.ts';
export { invoiceLines } from './line.ts';
export type { LineInput } from './line-input.ts';
export { linesUnder } from './lines-under.ts';
export {
  invoicedWithin,
  type InvoiceThresholds,
  invoiceThresholdsSchema,
  nextThreshold,
  reachedWith,
  thresholdFaults,
} from './thresholds.ts';
export { INVOICE_POLICY, type InvoicePolicy } from './policy.ts';
