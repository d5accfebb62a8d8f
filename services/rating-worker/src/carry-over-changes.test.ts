import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, requestInvoiceRun, verifyInvoice } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow } from '../../../test/support/subscription-changes.ts';

let database: Database;
let it: RatingFixture;
let subscription: string;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('calls');
  await it.plan('small', [BASE, calls('1000')]);
  await it.plan('large', [BASE, calls('5000')]);
  await it.customer('acme', ['a']);
  subscription = await it.subscribe('acme', 'small', '2026-01-01T00:00:00Z');
});
afterEach(() => it.close());

/** Due in advance: fee invoices stand between those of periods. */
const BASE: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00', paymentTerm: 'advance' } };

/** 0.10 a call beyond the allowance and all that was left of it. */
const calls = (units: string): RateCard => ({
  ...{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.10' } },
  modifiers: { allowance: { units, carryOver: { maximumUnits: null } } },
});

const moveTo = (day: string) => it.clock.moveTo(Date.parse(`2026-${day}T00:00:00Z`));
const use = (day: string, quantity: number) => it.use('calls', 'a', `2026-${day}T12:00:00Z`, String(quantity));

/** `from plan carried in > out` of every period so far, each document proven. */
async function periodsAt(day: string): Promise<string[]> {
  moveTo(day);
  await executeInvoiceRun(it.ports, await requestInvoiceRun(it.ports, undefined, it.tenant));
  const stored = await it.invoices();
  for (const { document } of stored) expect((await verifyInvoice(it.ports, document)).differences).toEqual([]);
  const documents = stored.map(({ document }) => JSON.parse(document) as InvoiceDocument);
  for (const fee of documents.filter(({ kind }) => kind === 'fee')) expect(fee.lines.map(carried)).toEqual(['- > -']);
  return documents.filter(({ kind }) => kind === undefined).map(callsOf);
}

const carried = ({ carriedUnits, carriedOver }: InvoiceDocument['lines'][number]) =>
  `${carriedUnits ?? '-'} > ${carriedOver ?? '-'}`;

function callsOf({ period, plan, lines }: Pick<InvoiceDocument, 'period' | 'plan' | 'lines'>): string {
  const line = lines.find(({ key }) => key === 'calls');
  return `${period.from.slice(5, 10)} ${plan} ${line === undefined ? 'none' : carried(line)}`;
}

async function spentOn(day: string): Promise<string[]> {
  const { subscriptions } = await spendOf(it.ports, 'acme', Date.parse(`2026-${day}T00:00:00Z`), it.tenant);
  return subscriptions.flatMap(({ lines }) => lines.filter(({ key }) => key === 'calls').map(carried));
}

test('units go on between periods whose fees are invoiced apart, also when several wait for their invoices', async () => {
  await use('01-10', 800);
  await periodsAt('01-02');
  expect(await spentOn('02-10')).toEqual(['200 > 1200']);
  expect(await periodsAt('03-01')).toEqual(['01-01 small - > 200', '02-01 small 200 > 1200']);
  expect(await spentOn('03-10')).toEqual(['1200 > 2200']);
});

test('nothing of an allowance goes on to another plan, nor comes back with the first one, live, invoiced and late', async () => {
  await use('01-10', 800);
  moveTo('02-10');
  await changeNow(it, subscription, { kind: 'plan', plan: 'large', until: '2026-02-20T00:00:00Z' });
  expect(await spentOn('02-09')).toEqual(['200 > 1200']);
  expect(await spentOn('02-15')).toEqual(['- > 5000']);
  expect(await spentOn('02-25')).toEqual(['- > 1000']);
  expect(await periodsAt('03-01')).toEqual([
    '01-01 small - > 200',
    '02-01 small 200 > 1200',
    '02-10 large - > 5000',
    '02-20 small - > 1000',
  ]);
  // Of January: 140 instead of 200 go on to 1 February, and nothing of that beyond the change.
  await use('01-20', 60);
  expect(await spentOn('03-10')).toEqual(['1000 > 2000']);
  expect((await periodsAt('04-01')).at(-1)).toBe('03-01 small 1000 > 2000');
  const last = JSON.parse((await it.invoices()).findLast(({ period_from }) => period_from.startsWith('2026-03'))?.document ?? '') as InvoiceDocument; // prettier-ignore
  expect(last.adjustments.map((each) => [each.period.from.slice(5, 10), each.carriedUnits, each.carriedOver])).toEqual([
    ['01-01', undefined, '140'],
    ['02-01', '140', '1140'],
  ]);
});

test('nothing goes on over days that a subscription rests', async () => {
  await use('01-10', 800);
  moveTo('02-10');
  await changeNow(it, subscription, { kind: 'pause', until: '2026-02-20T00:00:00Z' });
  expect(await spentOn('02-25')).toEqual(['- > 1000']);
  expect((await periodsAt('03-01')).at(-1)).toBe('02-20 small - > 1000');
});

test('a change of quantities leaves the allowance as it is', async () => {
  await use('01-10', 800);
  moveTo('02-10');
  await changeNow(it, subscription, { kind: 'quantity', quantities: { base: '2' } });
  expect(await spentOn('02-25')).toEqual(['200 > 1200']);
  expect(await periodsAt('03-01')).toEqual(['01-01 small - > 200', '02-01 small 200 > 1200']);
});

test('a preview lets each invoice that comes next take over from the one before', async () => {
  await use('01-10', 800);
  moveTo('03-10');
  const preview = await previewNow(it, subscription, { kind: 'plan', plan: 'large', at: 'period_end' });
  expect([...preview.now, ...preview.next].map(callsOf)).toEqual([
    '01-01 small - > 200',
    '02-01 small 200 > 1200',
    '03-01 small 1200 > 2200',
    '04-01 large - > 5000',
  ]);
});
