import { decimal } from '@meterline/domain/money';
import type { Terminal } from '../terminal.ts';
import { bar } from './balances.ts';
import { groupDigits } from './digits.ts';
import { table } from './table.ts';

export interface Entitlement {
  readonly feature: string;
  readonly name: string;
  readonly hasAccess: boolean;
  readonly type: 'boolean' | 'static' | 'metered' | null;
  readonly limit: string | null;
  readonly softLimit: boolean;
  readonly used: string | null;
  readonly balance: string | null;
  readonly overage: string | null;
  readonly resetsAt: string | null;
  readonly value: string | null;
  readonly sources: readonly { readonly plan: string; readonly version: number }[];
}

/** `GET /v1/customers/{key}/entitlements`, or one of them. */
export interface Entitlements {
  readonly customer: string;
  readonly asOf: { readonly cut: readonly number[]; readonly at: string };
  readonly items: readonly Entitlement[];
}

const COLUMNS = [
  { title: 'feature' },
  { title: 'access' },
  { title: 'used' },
  { title: '', align: 'right' },
  { title: 'of', align: 'right' },
  { title: 'left', align: 'right' },
  { title: 'resets' },
  { title: 'by' },
] as const;

/** What a customer may use, with a bar of how much of each limit is used up. */
export function entitlementsText({ customer, asOf, items }: Entitlements, terminal: Pick<Terminal, 'paint'>): string {
  const { paint } = terminal;
  const asOfText = paint('dim', `As of ${asOf.at}, offset ${asOf.cut.join(', ')} of the event log.`);
  if (items.length === 0) return `${paint('bold', customer)} is entitled to nothing.\n${asOfText}`;
  const rows = items.map((entitlement) => rowOf(entitlement, terminal));
  return [paint('bold', customer), '', table(COLUMNS, rows), '', asOfText].join('\n');
}

function rowOf(entitlement: Entitlement, { paint }: Pick<Terminal, 'paint'>): string[] {
  const { feature, hasAccess, limit, used, resetsAt, sources } = entitlement;
  const access = hasAccess ? paint('green', 'yes') : paint('red', 'no');
  const by = sources.map(({ plan, version }) => `${plan} ${version}`).join(', ');
  const filled = limit === null || used === null ? (entitlement.value ?? '') : bar(decimal(used), decimal(limit));
  return [feature, access, filled, groupDigits(used ?? ''), limitText(entitlement), leftText(entitlement), resetsAt ?? '', by];
}

function limitText({ type, limit, softLimit }: Entitlement): string {
  if (type !== 'metered') return '';
  if (limit === null) return 'unlimited';
  return softLimit ? `${groupDigits(limit)} (soft)` : groupDigits(limit);
}

function leftText({ balance, overage }: Entitlement): string {
  if (balance === null || overage === null) return '';
  return overage === '0' ? groupDigits(balance) : `${groupDigits(overage)} over`;
}
