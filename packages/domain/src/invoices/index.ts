export { adjustmentsFor, totalOf } from './adjustments.ts';
export {
  formatInvoiceNumber,
  INVOICE_POLICY,
  type InvoiceAdjustment,
  type InvoiceDocument,
  type InvoiceLine,
  type InvoicePeriod,
  type InvoicePolicy,
} from './document.ts';
export { invoiceLine } from './line.ts';
