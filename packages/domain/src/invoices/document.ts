import type { CommitmentSettlement } from '../commitments/index.ts';
import type { PrepaidStatement } from '../prepaid/index.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import type { RatedLine } from '../rating/index.ts';
import type { ChangeFee, Quantities } from '../stages/index.ts';
import type { InvoicePolicy } from './policy.ts';

/** A part of a billing period with a price of its own; half-open. The explanation says by number, from 1, which part a step belongs to. */
export interface InvoiceLinePart {
  readonly from: string;
  readonly to: string;
  /** Local days. */
  readonly days: number;
  readonly quantity: string;
  /** The part of it that prepaid packs paid for. Absent where none did. */
  readonly covered?: string;
  readonly events: number;
  readonly price: Price;
  readonly modifiers: Modifiers | null;
  /** As on the line. */
  readonly negotiated?: number;
}

/** What one rate card came to in one billing period. Quantities and amounts are decimal text; `amount` has the currency's digits. */
export interface InvoiceLine {
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  /** Of seats, those held when the period begins; the explanation tells how they changed. */
  readonly quantity: string;
  /** The part of it that prepaid packs paid for, which is not priced. Absent where none did. */
  readonly covered?: string;
  /** Units of the card's allowance that the period before left over. Absent where none did. */
  readonly carriedUnits?: string;
  /** Units of it that this period leaves to the next one, of the unit after conversion. Absent where the card carries nothing over. */
  readonly carriedOver?: string;
  /** Events behind the quantity. */
  readonly events: number;
  readonly model: Price['model'];
  readonly price: Price;
  readonly modifiers: Modifiers | null;
  /** Revision of what was negotiated with the customer, where that is its price; in its last part, where it has some. */
  readonly negotiated?: number;
  /** Only where the price changed within the period: `price` and `modifiers` are then those of the last part. */
  readonly parts?: readonly InvoiceLinePart[];
  /** How the amount came about, tier by tier. */
  readonly explanation: readonly RatedLine[];
  readonly amount: string;
}

/** Half-open; `days` of its local days are billed, of the `daysInPeriod` that the whole period has. */
export interface InvoicePeriod {
  readonly from: string;
  readonly to: string;
  readonly days: number;
  readonly daysInPeriod: number;
  /** Where fees are not shared by days: `from` up to `to` is paid for, of the seconds that the whole period has; or (none) always all of it. */
  readonly sharing?:
    | { readonly by: 'none' }
    | { readonly by: 'second'; readonly from: string; readonly to: string; readonly secondsInPeriod: number };
  /** 0 for the period in which fees of the plan are due once; absent under policy 1, which had none, and on invoices in advance. */
  readonly index?: number;
}

/** A phase of a plan version as documents name it. */
export interface StatedPhase {
  readonly key: string;
  readonly name: string;
}

export interface InvoiceQuantities {
  readonly from: string;
  readonly of: Quantities;
}

/**
 * Usage of an invoiced period that came, was withdrawn, or got a corrected price after its invoice: the difference is settled here. Of 0.00 where only
 * units carried over changed.
 */
export interface InvoiceAdjustment {
  /** Number of the invoice of that period. */
  readonly invoice: string;
  readonly period: InvoicePeriod;
  readonly plan: string;
  readonly planVersion: number;
  /** Of that invoice. */
  readonly phase?: StatedPhase;
  /** Of that plan version, where it is not the one of this invoice. */
  readonly priceRevision?: number;
  /** Of that invoice. */
  readonly quantities?: readonly InvoiceQuantities[];
  /** Version of that invoice's policy, where this one has another: it is rated again by the rules of then. */
  readonly policyVersion?: number;
  /** The line of that invoice, by its rate card. */
  readonly key: string;
  readonly name: string;
  /** Usage of that period as known now. */
  readonly quantity: string;
  /** The part of it that prepaid packs paid for, in all. Absent where none did. */
  readonly covered?: string;
  /** The same for each part of a period in which the price changed. */
  readonly coveredParts?: readonly string[];
  /** As on the line: what came into that period of an allowance, and what it leaves, as known now. */
  readonly carriedUnits?: string;
  readonly carriedOver?: string;
  readonly events: number;
  /** What that usage costs at the terms of then, and at the prices of then as known now. */
  readonly ratedAmount: string;
  /** What was invoiced for it before: the line and earlier adjustments. */
  readonly billedAmount: string;
  /** `ratedAmount - billedAmount`: negative gives money back. */
  readonly amount: string;
}

/** What an earlier document billed for a line: its fee invoice; or, below zero, the credit note that gave some of it back. */
export interface BilledInAdvance {
  /** Number of that document. */
  readonly invoice: string;
  /** The line, by its rate card. */
  readonly key: string;
  readonly name: string;
  readonly amount: string;
  /** What else was billed and stays so, though the line is less: the plan gives nothing back for time that is not used. Absent where it does. */
  readonly kept?: string;
}

/** What an interim invoice billed of a line: what the line came to, less what was billed of it before. */
export type BilledOnInterim = Pick<BilledInAdvance, 'invoice' | 'key' | 'name' | 'amount'>;

/** What an interim invoice says beside its lines, which are those of the whole period for its usage so far. */
export interface InterimTerms {
  /** 1, 2, ... within the period. */
  readonly part: number;
  /** Usage of the period before this instant is billed. */
  readonly usageTo: string;
  /** What came to less than was billed of it before: no interim invoice gives money back, the invoice of the period does. */
  readonly heldBack: readonly { readonly key: string; readonly name: string; readonly amount: string }[];
  /** The highest level of the plan version's `invoiceThresholds` that is reached with it, if one is: money. Absent otherwise. */
  readonly threshold?: string;
  /** What it and the interim invoices of the period before it ask for together, before credits. Where a level is reached. */
  readonly reached?: string;
}

/** A fee of which some time is not used. */
export interface CreditNoteLine {
  readonly key: string;
  readonly name: string;
  /** What a whole period costs; null where the price changed within it. */
  readonly baseAmount: string | null;
  /** What is not used of a whole period, in days or seconds. */
  readonly unused: number;
  readonly inPeriod: number;
  readonly unit: 'day' | 'second';
  /** What was billed less what is due for the time that was used: both are rounded, so that together they are what the fee was. */
  readonly amount: string;
}

/** What a credit note says beside its adjustments. */
export interface CreditNoteTerms {
  /** `subscription_changed`: the subscription goes on, under other terms or after a rest. */
  readonly reason: 'subscription_ended' | 'subscription_changed';
  /** Number of the fee invoice that it gives back from. */
  readonly invoice: string;
  /** The tenant's last invoice before it, by which it has its place among them; null: there is none. */
  readonly follows: string | null;
  /** `credit`: a grant pays next invoices with it. `refund`: it is to be paid back. */
  readonly treatment: 'credit' | 'refund';
  readonly lines: readonly CreditNoteLine[];
  /** What is credited or to be paid back: the lines, less what goes back to the grants that had paid. */
  readonly amount: string;
  /** Key of the grant; null for a refund. */
  readonly grant: string | null;
}

/** An invoice as issued. It holds everything that rating it again needs; see `policy` for the rules. Instants are RFC 3339. */
export interface InvoiceDocument {
  readonly id: string;
  readonly number: string;
  /**
   * Absent: of a billing period that has ended. `advance`: of a committed minimum, which the term of `period` draws down. `fee`: of the fees that are due
   * when `period` begins. `interim`: of the usage so far of a `period` that goes on. `credit_note`: gives back what of fees is not used; its adjustments
   * are below zero.
   */
  readonly kind?: 'advance' | 'fee' | 'interim' | 'credit_note';
  readonly tenant: string;
  readonly customer: {
    readonly key: string;
    readonly name: string;
    /** IANA name: the days of the document are its. Absent on those that were issued before they stated it. */
    readonly timezone?: string;
    /** Whose usage it was when the document was made. */
    readonly subjects: readonly string[];
  };
  readonly subscription: string;
  readonly plan: string;
  readonly planVersion: number;
  /** Prices are those of the plan version with its price changes up to this one; absent: none. */
  readonly priceRevision?: number;
  /** And those negotiated with the customer up to this one; absent: none. Adjustments too. */
  readonly negotiatedRevision?: number;
  /** Of the plan version; absent behind its phases. */
  readonly phase?: StatedPhase;
  readonly period: InvoicePeriod;
  /** How many of its fees, by rate card, from a local midnight on; absent: one of each. */
  readonly quantities?: readonly InvoiceQuantities[];
  /** For changes of the subscription: each is a line. Absent without any. */
  readonly changeFees?: readonly ChangeFee[];
  readonly currency: string;
  readonly lines: readonly InvoiceLine[];
  /** What of `lines` was billed before, by the period's fee invoice, less what its credit note gave back. Absent where nothing was. */
  readonly billedInAdvance?: readonly BilledInAdvance[];
  /** What of `lines` earlier interim invoices of the period billed. Absent where none did. */
  readonly billedOnInterims?: readonly BilledOnInterim[];
  readonly adjustments: readonly InvoiceAdjustment[];
  /** Only where a commitment was agreed on: that of the period's term first, then of earlier terms that late usage changed. */
  readonly commitments?: readonly CommitmentSettlement[];
  /** What grants paid, and got back. Absent for a customer without any. */
  readonly prepaid?: PrepaidStatement;
  /** Of a credit note only. */
  readonly creditNote?: CreditNoteTerms;
  /** Of an interim invoice only. */
  readonly interim?: InterimTerms;
  /**
   * Sum of the amounts of lines, adjustments and lines of commitments, less those `billedInAdvance`, `billedOnInterims` and `prepaid.credited`. Of an
   * interim invoice with what is `heldBack`, so that it is never below zero.
   */
  readonly total: string;
  /** The part of the log it was rated from: per partition, the first offset left out. */
  readonly cut: readonly number[];
  readonly issuedAt: string;
  readonly policy: InvoicePolicy;
}

/** 1 -> `INV-000001`; a millionth invoice just gets longer. */
export function formatInvoiceNumber(number: bigint): string {
  return `INV-${String(number).padStart(6, '0')}`;
}
