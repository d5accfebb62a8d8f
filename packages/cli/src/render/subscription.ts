import { table } from './table.ts';

export interface Stage {
  readonly from: string;
  readonly until: string | null;
  readonly plan: string;
  readonly planVersion: number;
  readonly phase?: { readonly key: string } | null;
  readonly quantities: Readonly<Record<string, string>>;
  readonly paused: boolean;
}

export interface Subscription {
  readonly id: string;
  readonly customer: string;
  readonly endsAt: string | null;
  readonly stages: readonly Stage[];
}

export interface SubscriptionChange {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly at: string;
  readonly until: string | null;
  readonly plan?: string;
  readonly quantities?: Readonly<Record<string, string>>;
}

interface PreviewedInvoice {
  readonly plan: string;
  readonly from: string;
  readonly to: string;
  readonly fees: string;
  readonly usage: string;
  readonly total: string;
}

/** Billed, or given back, beside the invoices of periods. */
interface PreviewedDocument {
  readonly kind: 'advance' | 'fee' | 'interim' | 'credit_note';
  readonly plan: string;
  readonly from: string;
  /** Of an interim invoice. */
  readonly usageTo?: string;
  readonly amount: string;
}

interface Priced {
  readonly price: { readonly model: string };
  readonly modifiers: object | null;
}

export interface ChangePreview {
  readonly token: string;
  readonly currency: string;
  readonly change: { readonly kind: string; readonly direction: string; readonly at: string; readonly fee: string | null };
  readonly documents: readonly PreviewedDocument[];
  readonly now: { readonly invoices: readonly PreviewedInvoice[]; readonly total: string };
  readonly next: readonly PreviewedInvoice[];
  readonly total: string;
  readonly totalWithout: string;
  readonly differences: {
    readonly prices: readonly { readonly name: string; readonly before: Priced | null; readonly after: Priced | null }[];
    readonly allowances: readonly { readonly message: string | null }[];
    readonly features: readonly {
      readonly name: string;
      readonly change: string;
      readonly message: string | null;
    }[];
    readonly commitment: { readonly message: string | null } | null;
    readonly unpricedMeters: readonly string[];
  };
  readonly lastMonths: { readonly before: string; readonly after: string } | null;
}

const counted = (quantities: Readonly<Record<string, string>> = {}) =>
  Object.entries(quantities)
    .map(([card, quantity]) => `${card} ${quantity}`)
    .join(', ');

function priceText({ price: { model, ...terms }, modifiers }: Priced): string {
  return [model, JSON.stringify(terms), ...(modifiers === null ? [] : [JSON.stringify(modifiers)])].join(' ');
}

export function subscriptionText({ id, customer, endsAt, stages }: Subscription): string {
  const rows = stages.map(({ from, until, plan, planVersion, phase, quantities, paused }) => [
    from,
    until ?? endsAt ?? '',
    `${plan} ${planVersion}${phase ? `, ${phase.key}` : ''}${paused ? ' (rests)' : ''}`,
    counted(quantities),
  ]);
  const stagesTable = table([{ title: 'From' }, { title: 'Until' }, { title: 'Plan' }, { title: 'Quantities' }], rows);
  return `Subscription ${id} of ${customer}${endsAt === null ? '' : `, ends ${endsAt}`}\n\n${stagesTable}`;
}

export function changesText(changes: readonly SubscriptionChange[]): string {
  const rows = changes.map(({ id, kind, state, at, until, plan, quantities }) => [
    id,
    kind,
    state,
    at,
    until ?? '',
    plan ?? counted(quantities),
  ]);
  const titles = ['Change', 'Kind', 'State', 'At', 'Until', 'What'];
  return table(
    titles.map((title) => ({ title })),
    rows,
  );
}

export function previewText(preview: ChangePreview): string {
  const { change, currency, now, next, differences, lastMonths } = preview;
  const row = ({ from, to, plan, fees, usage, total }: PreviewedInvoice, due: string) => [
    from,
    to,
    plan,
    fees,
    usage,
    total,
    due,
  ];
  const rows = [...now.invoices.map((invoice) => row(invoice, 'now')), ...next.map((invoice) => row(invoice, invoice.to))];
  const columns = [
    ...['From', 'To', 'Plan'].map((title) => ({ title })),
    ...['Fees', 'Usage so far', `Total ${currency}`].map((title) => ({ title, align: 'right' }) as const),
    { title: 'Due' },
  ];
  const messages = [...differences.allowances, ...differences.features].flatMap(({ message }) => message ?? []);
  const prices = differences.prices.map(
    ({ name, before, after }) =>
      `Price of ${name}: ${before === null ? 'none' : priceText(before)}, then ${after === null ? 'none' : priceText(after)}`,
  );
  const gained = differences.features.filter(({ change }) => change === 'added').map(({ name }) => `${name}: new`);
  const committed = differences.commitment?.message ?? null;
  const commitment = committed === null ? [] : [`Commitment: ${committed}`];
  const unpriced = differences.unpricedMeters.map((meter) => `${meter}: no longer charged`);
  const months =
    lastMonths === null ? [] : [`The last whole months: ${lastMonths.before} as it was, ${lastMonths.after} after the change`];
  return [
    `${change.kind} (${change.direction}) from ${change.at}${change.fee === null ? '' : `, fee ${change.fee}`}`,
    '',
    table(columns, rows),
    '',
    `Together ${preview.total}; without the change ${preview.totalWithout}`,
    ...preview.documents.map(documentText),
    ...[...prices, ...messages, ...commitment, ...gained, ...unpriced, ...months],
    '',
    `Token: ${preview.token}`,
  ].join('\n');
}

function documentText({ kind, plan, from, usageTo, amount }: PreviewedDocument): string {
  switch (kind) {
    case 'advance':
      return `Committed in advance: ${amount} for ${plan} from ${from}`;
    case 'fee':
      return `Billed in advance: ${amount} for ${plan} from ${from}`;
    case 'interim':
      return `Billed on an interim invoice: ${amount} of ${plan} for usage before ${usageTo ?? ''}`;
    case 'credit_note':
      return `Given back: ${amount} of what was paid for ${plan}`;
  }
}
