import type { InvoiceRunPorts } from '../invoices/index.ts';
import type { AlertRuleStore, UpgradeStore } from '../ports/index.ts';
import type { PreviewPorts } from '../subscription-changes/index.ts';

export interface UpgradePorts extends Omit<PreviewPorts, keyof InvoiceRunPorts>, InvoiceRunPorts {
  readonly upgrades: UpgradeStore;
  readonly rules: Pick<AlertRuleStore, 'page'>;
}
