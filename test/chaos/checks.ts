import { Decimal } from 'decimal.js';
import { CUSTOMERS, levelsOf, METERS, priceOf, RULES, type Customer } from './catalog.ts';
import type { Client } from './client.ts';
import { totalsOf, type CountedEvent, type Model } from './model.ts';
import { within, type Month } from './months.ts';
import type { Receiver } from './receiver.ts';

interface Invariant {
  readonly name: string;
  readonly holds: boolean;
  readonly counts: Readonly<Record<string, number | string>>;
  readonly differences: readonly string[];
}

export interface Reconciliation {
  readonly holds: boolean;
  readonly invariants: readonly Invariant[];
}

/** Every check answers what differs from the model, in words; nothing if all is well. */
type Differences = Promise<string[]>;

const ofCustomer = (events: readonly CountedEvent[], { subjects }: Customer) =>
  events.filter(({ subject }) => subjects.includes(subject));

/** What there is to compare, seen over HTTP or in process. */
export interface Observed {
  /** All usage of a meter by subject and medium. */
  usage(meter: string): Promise<readonly UsageRow[]>;
  reconcile(): Promise<Reconciliation>;
}

interface UsageRow {
  readonly subject?: string | null;
  readonly group?: Readonly<Record<string, string>>;
  readonly value: string;
  readonly events: number;
}

export async function checkUsage(observed: Observed, model: Model): Differences {
  const differences: string[] = [];
  const groups = Map.groupBy(model.effective(), ({ subject, media }) => `${subject}, ${media}`);
  const expected = new Map([...groups].map(([group, events]) => [group, { totals: totalsOf(events), events: events.length }]));
  for (const { key } of METERS) {
    const rows = await observed.usage(key);
    const found = new Map(rows.map(({ subject, group, value, events }) => [`${subject ?? ''}, ${group?.['media'] ?? ''}`, `${value} of ${events} events`])); // prettier-ignore
    for (const group of new Set([...found.keys(), ...expected.keys()])) {
      const wanted = expected.get(group);
      const text = wanted && `${wanted.totals[key].toFixed()} of ${wanted.events} events`;
      if (found.get(group) !== text)
        differences.push(`${key} of ${group}: ${found.get(group) ?? 'nothing'}, the model says ${text ?? 'nothing'}`);
    }
  }
  return differences;
}

/** Meterline's own invariants, and that it accepted exactly what the model did. */
export async function checkReconciliation(
  observed: Observed,
  model: Model,
  sent: { readonly duplicate: number; readonly conflict: number },
): Differences {
  const { holds, invariants } = await observed.reconcile();
  const differences = invariants.flatMap((invariant) =>
    invariant.differences.map((difference) => `reconcile, ${invariant.name}: ${difference}`),
  );
  if (!holds && differences.length === 0) differences.push('reconciliation does not hold');
  const { accepted, duplicate, conflict, rejected } = invariants.find(({ counts }) => 'accepted' in counts)?.counts ?? {};
  if (accepted !== model.accepted()) differences.push(`${String(accepted)} records accepted, the model says ${model.accepted()}`);
  if (Number(duplicate) < sent.duplicate) differences.push(`${String(duplicate)} duplicates found, ${sent.duplicate} were sent`);
  if (Number(conflict) < sent.conflict) differences.push(`${String(conflict)} conflicts found, ${sent.conflict} were sent`);
  if (rejected !== 0) differences.push(`${String(rejected)} records rejected that the door had let in`);
  return differences;
}

export async function checkSpend(client: Client, model: Model, month: Month): Differences {
  const events = within(model.effective(), month);
  const differences: string[] = [];
  for (const customer of CUSTOMERS) {
    const { total } = await client.get<{ total: string }>(`/v1/customers/${customer.key}/spend`);
    const expected = priceOf(ofCustomer(events, customer)).toFixed(2);
    if (total !== expected) differences.push(`spend of ${customer.key}: ${total}, the model says ${expected}`);
  }
  return differences;
}

interface Occurrence {
  readonly id: string;
  readonly rule: string;
  readonly customer: string;
  readonly period: { readonly from: string };
  readonly threshold: string;
  readonly thresholdAmount: string;
  readonly spend: string;
}

/**
 * Alerts of one month: a level the final spend reaches must have fired, and one that was never within reach must not. Between the two lie
 * levels that were reached for a while, until a correction took usage back.
 */
export async function checkAlerts(client: Client, model: Model, month: Month): Differences {
  const all = await client.all<Occurrence>('/v1/alert-occurrences');
  const here = all.filter(({ period }) => Date.parse(period.from) === month.fromMs);
  const nameOf = ({ rule, customer, threshold }: Pick<Occurrence, 'rule' | 'customer' | 'threshold'>) =>
    `${rule} ${threshold} of ${customer}`;
  const fired = Map.groupBy(here, nameOf);
  const differences: string[] = [];
  for (const [level, occurrences] of fired)
    if (occurrences.length > 1) differences.push(`alert ${level} exists ${occurrences.length} times`);
  for (const one of here)
    if (new Decimal(one.spend).lt(one.thresholdAmount)) differences.push(`alert ${nameOf(one)} fired at ${one.spend}`);

  const finalEvents = within(model.effective(), month);
  const everEvents = within(model.everCounted(), month);
  for (const customer of CUSTOMERS) {
    const spend = priceOf(ofCustomer(finalEvents, customer));
    const bound = priceOf(ofCustomer(everEvents, customer));
    for (const rule of RULES) {
      for (const [threshold, amount] of levelsOf(rule, customer.key)) {
        const name = nameOf({ rule: rule.key, customer: customer.key, threshold });
        if (amount.lte(spend) && !fired.has(name))
          differences.push(`alert ${name} did not fire, the spend is ${spend.toFixed(2)}`);
        if (amount.gt(bound) && fired.has(name))
          differences.push(`alert ${name} fired, the spend never was above ${bound.toFixed(2)}`);
      }
    }
  }
  return differences;
}

/** Each alert and each invoice arrived, under one webhook-id of its own, always with the same content. */
export async function checkWebhooks(client: Client, receiver: Receiver): Differences {
  const occurrences = await client.all<Occurrence>('/v1/alert-occurrences');
  const invoices = await client.all<Invoice>('/v1/invoices');
  const differences = receiver.altered.map((id) => `webhook ${id} came with different contents`);
  const check = (type: string, property: string, wanted: readonly string[]) => {
    const arrived = [...receiver.messages.values()]
      .filter((message) => message.type === type)
      .map(({ data }) => String(data[property]));
    const times = Map.groupBy(arrived, (id) => id);
    for (const id of wanted) {
      const count = times.get(id)?.length ?? 0;
      if (count !== 1) differences.push(`${type} of ${id} arrived under ${count} webhook-ids`);
    }
    const known = new Set(wanted);
    for (const id of times.keys()) if (!known.has(id)) differences.push(`${type} of ${id} arrived, which does not exist`);
  };
  check('alert.triggered', 'id', occurrences.map(({ id }) => id)); // prettier-ignore
  check('invoice.finalized', 'invoice', invoices.map(({ id }) => id)); // prettier-ignore
  return differences;
}

interface Invoice {
  readonly id: string;
  readonly number: string;
  readonly customer: string;
  readonly period: { readonly from: string };
  readonly total: string;
}

/** Late usage is settled on invoices of periods that begin within so long of the end of the late one. */
const ADJUSTED_FOR_MS = 40 * 86_400_000;

/** Keeps what was billed, for what each invoice must say. */
export function createBillingModel(model: Model) {
  const billed = new Map(CUSTOMERS.map(({ key }) => [key, [] as { month: Month; amount: Decimal }[]]));
  const expected = new Map<string, string>();

  return {
    /** Expects an invoice of `month` for everyone, at what the model holds now. */
    bill(month: Month): void {
      const events = model.effective();
      for (const customer of CUSTOMERS) {
        const before = billed.get(customer.key) ?? [];
        const priceIn = (one: Month) => priceOf(ofCustomer(within(events, one), customer));
        let total = priceIn(month);
        for (const earlier of before) {
          if (month.fromMs - earlier.month.toMs > ADJUSTED_FOR_MS) continue;
          const now = priceIn(earlier.month);
          total = total.plus(now.minus(earlier.amount));
          earlier.amount = now;
        }
        before.push({ month, amount: priceIn(month) });
        expected.set(`${customer.key} from ${new Date(month.fromMs).toISOString()}`, total.toFixed(2));
      }
    },
    invoices: (): number => expected.size,
    /** One invoice for each customer and month, with the right total; numbers without gaps. */
    async check(client: Client): Differences {
      const invoices = await client.all<Invoice>('/v1/invoices');
      const differences: string[] = [];
      const found = Map.groupBy(invoices, ({ customer, period }) => `${customer} from ${new Date(period.from).toISOString()}`);
      for (const [what, total] of expected) {
        const totals = (found.get(what) ?? []).map((invoice) => invoice.total);
        if (totals.join() !== total) differences.push(`invoices of ${what}: [${totals.join()}], the model says ${total}`);
      }
      for (const what of found.keys())
        if (!expected.has(what)) differences.push(`there is an invoice of ${what}, which is not due`);
      const numbers = invoices.map(({ number }) => number).sort();
      const gapless = numbers.map((_, index) => `INV-${String(index + 1).padStart(6, '0')}`);
      if (numbers.join() !== gapless.join()) differences.push(`invoice numbers have gaps or repeat: ${numbers.join()}`);
      return differences;
    },
  };
}
