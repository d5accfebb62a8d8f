import type { CommitmentDifference } from '@meterline/domain/commitments';
import type { FeatureDifference } from '@meterline/domain/entitlements';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { TermsDifference } from '@meterline/domain/plan-fit';
import { parseInstantMs } from '@meterline/domain/time';
import type { EntitlementPorts } from '../entitlements/index.ts';
import type { PlanFitPorts } from '../plan-fit/index.ts';
import type { Cut } from '../ports/index.ts';
import { type ChangePorts, decideChange, type Decided } from './changes.ts';
import { commitmentChange } from './commitment-change.ts';
import { featureChanges } from './feature-changes.ts';
import { type LastMonths, lastMonths } from './last-months.ts';
import { accountWith, projectedDocuments, projectedInvoices, type ProjectionPorts } from './projection.ts';
import type { ChangeRequest } from './request.ts';
import { termsChanges } from './terms-changes.ts';
import { tokenOf } from './token.ts';

export type PreviewPorts = ChangePorts & PlanFitPorts & EntitlementPorts & ProjectionPorts;

/** What a change would do, seen at one cut. Nothing is made. */
export interface ChangePreview {
  readonly decided: Decided;
  readonly token: string;
  readonly cut: Cut;
  /**
   * What is billed and given back beside the invoices below, which rate the same and deduct these: up to when the change takes effect, and the first
   * interim invoice after it.
   */
  readonly documents: readonly InvoiceDocument[];
  /** Their days are over, so they are due as soon as the change is made. */
  readonly now: readonly InvoiceDocument[];
  readonly next: readonly InvoiceDocument[];
  /** What would be invoiced over the same time without the change. */
  readonly without: readonly InvoiceDocument[];
  readonly difference: TermsDifference;
  readonly commitment: CommitmentDifference | null;
  readonly features: readonly FeatureDifference[];
  readonly lastMonths: LastMonths | null;
}

export async function previewChange(
  ports: PreviewPorts,
  id: string,
  request: ChangeRequest,
  tenant: string,
): Promise<ChangePreview> {
  const decided = await decideChange(ports, id, request, tenant);
  const { subject } = decided;
  const { nowMs } = subject;
  const [account] = await ports.accounts.accounts([subject.customer.key], tenant);
  if (account === undefined) throw new Error(`customer ${subject.customer.key} has no account`);
  const { cut } = await ports.usage.usageAll([]);
  const changed = await accountWith(ports, account, decided, tenant);
  const invoices = await projectedInvoices(ports, decided, changed, cut, tenant);
  const without = await projectedInvoices(ports, decided, account, cut, tenant);
  const isOver = ({ period }: InvoiceDocument) => (parseInstantMs(period.to) ?? Infinity) <= nowMs;
  const accounts = { before: account, after: changed };
  return {
    decided,
    token: tokenOf(decided),
    cut,
    documents: await projectedDocuments(ports, decided, changed, cut, tenant),
    now: invoices.filter(isOver),
    next: invoices.filter((invoice) => !isOver(invoice)),
    without,
    difference: await termsChanges(ports, decided, accounts, cut, tenant),
    commitment: commitmentChange(decided, invoices),
    features: await featureChanges(ports, { ...accounts, fromMs: decided.update.fromMs }, { cut, nowMs }, tenant),
    lastMonths: await lastMonths(ports, decided, account, tenant),
  };
}
