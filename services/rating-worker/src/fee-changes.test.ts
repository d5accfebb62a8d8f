import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { billUntil, expectVerified } from '../../../test/support/rated-again.ts';
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
  it = await openRatingFixture(database, '2024-03-01T00:00:00Z');
  const base = (amount: string): RateCard[] => [
    { key: 'base', name: 'Base fee', price: { model: 'flat', amount, paymentTerm: 'advance' } },
  ];
  await it.plan('small', base('10.00'));
  await it.plan('large', base('15.00'));
  await it.plan('kept', base('10.00'), 'month', undefined, 'none');
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

const billAt = (instant: string) => billUntil(it, instant);

const told = (all: readonly InvoiceDocument[]) =>
  all.map(({ number, kind = 'period', plan, total }) => `${number} ${kind} ${plan} ${total}`).toSorted();

/** Changes the plan, and bills what is due at once: the documents that the preview had shown. */
async function changeAsPreviewed(plan: string, instant: string): Promise<void> {
  const { documents } = await previewNow(it, subscription, { kind: 'plan', plan });
  await changeNow(it, subscription, { kind: 'plan', plan });
  const before = (await it.invoices()).length;
  const issued = (await billAt(instant)).slice(before).filter(({ kind }) => kind !== undefined);
  const content = ({ kind, plan: of, period, total }: InvoiceDocument) => `${kind} ${of} ${period.from} ${total}`;
  expect(documents.map(content).toSorted()).toEqual(issued.map(content).toSorted());
}

describe('a change of plan within a period whose fee was paid in advance', () => {
  test('credits the days that the old plan is not used on, and bills the new plan for the rest', async () => {
    // The figures of lagop-upgrade-004: 27 of 31 days of March at 10.00 are 8.71; from the 12th on 20 days: 10.00 * 20 / 31 = 6.45 are credited,
    // 15.00 * 20 / 31 = 9.68 are due, of which the credit pays 6.45.
    subscription = await it.subscribe('acme', 'small', '2024-03-05T12:12:00Z');
    expect(told(await billAt('2024-03-05T12:12:00Z'))).toEqual(['INV-000001 fee small 8.71']);
    it.clock.moveTo(Date.parse('2024-03-12T12:12:00Z'));
    const { documents } = await previewNow(it, subscription, { kind: 'plan', plan: 'large' });
    await changeNow(it, subscription, { kind: 'plan', plan: 'large' });
    const after = await billAt('2024-03-12T12:13:00Z');
    // The preview had shown them as they are issued, but for what is known only then: their order.
    const content = ({ kind, plan, period, lines, creditNote, total }: InvoiceDocument) =>
      JSON.stringify([kind, plan, period, lines, creditNote && { ...creditNote, follows: null }, total]);
    const issued = after.slice(1).filter(({ kind }) => kind === 'fee' || kind === 'credit_note');
    expect(documents.map(content).toSorted()).toEqual(issued.map(content).toSorted());
    const note = after.find(({ kind }) => kind === 'credit_note');
    expect(note?.creditNote).toMatchObject({
      reason: 'subscription_changed',
      amount: '6.45',
      lines: [{ unused: 20, inPeriod: 31 }],
    });
    const fee = after.find(({ kind, plan }) => kind === 'fee' && plan === 'large');
    expect(fee?.lines.map(({ key, amount }) => [key, amount])).toEqual([['base', '9.68']]);
    expect(fee?.total).toBe('3.23');
    const settled = await billAt('2024-04-01T00:00:00Z');
    // small: 7 of 31 days: 2.26 = 8.71 - 6.45; large: 9.68, both paid before. April: 15.00.
    const due = settled.filter(({ kind }) => kind === undefined).map(({ plan, lines }) => [plan, lines[0]?.amount]);
    expect(due).toEqual([
      ['small', '2.26'],
      ['large', '9.68'],
    ]);
    expect(settled.filter(({ kind }) => kind === 'fee').map(({ period }) => period.from)).toEqual([
      '2024-03-05T00:00:00Z',
      '2024-03-12T00:00:00Z',
      '2024-04-01T00:00:00Z',
    ]);
    await expectVerified(it);
  });

  test('is shown with what an end to come gives back, though it comes in the middle of its day', async () => {
    subscription = await it.subscribe('acme', 'small', '2024-03-01T00:00:00Z');
    await billAt('2024-03-01T00:05:00Z');
    const { documents, token } = await previewNow(it, subscription, { kind: 'cancel', at: '2024-03-12T15:00:00Z' });
    // 19 of 31 days of 10.00 are left: 10.00 - 3.87.
    expect(documents.map(({ kind, total }) => [kind, total])).toEqual([['credit_note', '-6.13']]);
    await changeNow(it, subscription, { token });
    expect(told(await billAt('2024-03-12T15:00:00Z'))).toEqual([
      'INV-000001 fee small 10.00',
      'INV-000001-CN1 credit_note small -6.13',
    ]);
  });

  test('is shown without another minimum in advance where the one of its term is invoiced', async () => {
    const commitment = { every: 'period', minimumSpend: '31', trueUp: 'in_advance' } as const;
    subscription = await it.subscribe('acme', 'kept', '2024-03-01T00:00:00Z', commitment);
    // 31.00 committed, of which the fee draws 10.00.
    expect(told(await billAt('2024-03-01T00:05:00Z'))).toEqual(['INV-000001 advance kept 31.00', 'INV-000002 fee kept 0.00']);
    it.clock.moveTo(Date.parse('2024-03-12T12:00:00Z'));
    const { documents, token } = await previewNow(it, subscription, { kind: 'plan', plan: 'large', at: '2024-03-20T00:00:00Z' });
    // 15.00 * 12 / 31. The term is cut to 19 days: what of its minimum is too much then goes back with the invoice of its period.
    expect(documents.map(({ kind, plan, total }) => [kind, plan, total])).toEqual([['fee', 'large', '5.81']]);
    await changeNow(it, subscription, { token });
    await billAt('2024-03-12T12:01:00Z');
    expect(told(await billAt('2024-03-20T00:01:00Z')).filter((each) => !each.includes('period'))).toEqual([
      'INV-000001 advance kept 31.00',
      'INV-000002 fee kept 0.00',
      'INV-000003 fee large 5.81',
    ]);
  });

  test('that is taken back on its day gives back all of its fees, and bills every day of the old plan once', async () => {
    const setup = {
      key: 'setup',
      name: 'Set-up',
      price: { model: 'flat', amount: '50.00', interval: 'once', paymentTerm: 'advance' },
    } as const;
    const fee = { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '31.00', paymentTerm: 'advance' } } as const;
    await it.plan('arrears', [{ key: 'base', name: 'Base fee', price: { model: 'flat', amount: '62.00' } }]);
    await it.plan('paid', [fee, setup]);
    subscription = await it.subscribe('acme', 'arrears', '2024-03-01T00:00:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T09:00:00Z'));
    await changeNow(it, subscription, { kind: 'plan', plan: 'paid' });
    // Paid: 20 of 31 days at 31.00, and 50.00 once. The old plan: 11 of 31 days at 62.00.
    expect(told(await billAt('2024-03-12T09:01:00Z'))).toEqual(['INV-000001 fee paid 70.00', 'INV-000002 period arrears 22.00']);
    it.clock.moveTo(Date.parse('2024-03-12T15:00:00Z'));
    await changeNow(it, subscription, { kind: 'plan', plan: 'arrears' });
    const after = await billAt('2024-03-12T15:01:00Z');
    expect(after.find(({ kind }) => kind === 'credit_note')?.creditNote).toMatchObject({ treatment: 'refund', amount: '70.00' });
    // The other 20 of 31 days: 40.00.
    const settled = told(await billAt('2024-04-01T00:00:00Z'));
    expect(settled).toEqual([
      'INV-000001 fee paid 70.00',
      'INV-000001-CN1 credit_note paid -70.00',
      'INV-000002 period arrears 22.00',
      'INV-000003 period arrears 40.00',
    ]);
    await expectVerified(it);
  });

  test('of which no day is left is paid back whole, whatever the plan says of unused time, though the subscription rests from its first day on', async () => {
    subscription = await it.subscribe('acme', 'kept', '2024-03-05T10:00:00Z');
    await billAt('2024-03-05T10:00:00Z');
    it.clock.moveTo(Date.parse('2024-03-05T12:00:00Z'));
    const { documents } = await previewNow(it, subscription, { kind: 'pause' });
    expect(documents.map(({ kind, total }) => [kind, total])).toEqual([['credit_note', '-8.71']]);
    await changeNow(it, subscription, { kind: 'pause' });
    // Paid: 27 of 31 days at 10.00.
    const all = ['INV-000001 fee kept 8.71', 'INV-000001-CN1 credit_note kept -8.71'];
    expect(told(await billAt('2024-03-05T12:01:00Z'))).toEqual(all);
    expect(told(await billAt('2024-05-01T00:00:00Z'))).toEqual(all);
    await expectVerified(it);
  });

  test('is given back though the prices of the plan changed since', async () => {
    subscription = await it.subscribe('acme', 'small', '2024-03-05T10:00:00Z');
    await billAt('2024-03-05T10:00:00Z');
    const dearer = { rateCard: 'base', validFrom: '2024-03-06T00:00:00Z', price: { model: 'flat', amount: '99.00', paymentTerm: 'advance' } } as const; // prettier-ignore
    await it.priceChanges.add({ plan: 'small', version: 1 }, dearer, it.tenant);
    await changeNow(it, subscription, { kind: 'pause' });
    expect(told(await billAt('2024-03-05T12:01:00Z'))).toEqual([
      'INV-000001 fee small 8.71',
      'INV-000001-CN1 credit_note small -8.71',
    ]);
    await expectVerified(it);
  });

  test('is billed in advance by the plan that the day ends with, as often as it is changed on that day', async () => {
    await it.plan(
      'yearly',
      [{ key: 'base', name: 'Base fee', price: { model: 'flat', amount: '366.00', paymentTerm: 'advance' } }],
      'year',
    );
    subscription = await it.subscribe('acme', 'small', '2024-03-12T09:00:00Z');
    // 10.00 * 20 / 31
    expect(told(await billAt('2024-03-12T09:00:00Z'))).toEqual(['INV-000001 fee small 6.45']);
    it.clock.moveTo(Date.parse('2024-03-12T12:00:00Z'));
    await changeAsPreviewed('large', '2024-03-12T12:01:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T15:00:00Z'));
    await changeAsPreviewed('yearly', '2024-03-12T15:01:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T18:00:00Z'));
    await changeAsPreviewed('small', '2024-03-12T18:01:00Z');
    // 15.00 * 20 / 31; 366.00 * 295 / 366 from 12 March on; each given back whole but the last, which March takes off: 6.45 - 6.45.
    const march = [
      'INV-000001 fee small 6.45',
      'INV-000001-CN1 credit_note small -6.45',
      'INV-000002 fee large 9.68',
      'INV-000002-CN1 credit_note large -9.68',
      'INV-000003 fee yearly 295.00',
      'INV-000003-CN1 credit_note yearly -295.00',
      'INV-000004 fee small 6.45',
    ];
    expect(told(await billAt('2024-03-12T18:02:00Z'))).toEqual(march);
    expect(told(await billAt('2024-04-01T00:00:00Z'))).toEqual([
      ...march,
      'INV-000005 fee small 10.00',
      'INV-000006 period small 0.00',
    ]);
    await expectVerified(it);
  });

  test('keeps nothing of the fee of a plan that was left on its day, though the plan that came keeps what is not used', async () => {
    const year: RateCard = { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '366.00', paymentTerm: 'advance' } };
    await it.plan('yearly', [year], 'year');
    subscription = await it.subscribe('acme', 'yearly', '2024-03-12T09:00:00Z');
    await billAt('2024-03-12T09:00:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T12:00:00Z'));
    // 6.45 for March, of which the preview takes off 295.00 that are given back.
    const { next } = await previewNow(it, subscription, { kind: 'plan', plan: 'kept' });
    expect(next.map(({ period, total }) => [period.from, total])[0]).toEqual(['2024-03-12T00:00:00Z', '-288.55']);
    await changeAsPreviewed('kept', '2024-03-12T12:01:00Z');
    expect(told(await billAt('2024-04-01T00:00:00Z'))).toEqual([
      'INV-000001 fee yearly 295.00',
      'INV-000001-CN1 credit_note yearly -295.00',
      'INV-000002 fee kept 6.45',
      'INV-000003 fee kept 10.00',
      'INV-000004 period kept 0.00',
    ]);
    await expectVerified(it);
  });

  test('has the credits again that paid the fee of a plan that was left on its day', async () => {
    await it.plan('tiny', [{ key: 'base', name: 'Base fee', price: { model: 'flat', amount: '3.00', paymentTerm: 'advance' } }]);
    subscription = await it.subscribe('acme', 'small', '2024-03-05T12:12:00Z');
    await billAt('2024-03-05T12:12:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T12:12:00Z'));
    // 6.45 are credited, of which 3.00 * 20 / 31 = 1.94 pay for tiny; they pay for large instead: 9.68 - 6.45.
    await changeAsPreviewed('tiny', '2024-03-12T12:13:00Z');
    await changeAsPreviewed('large', '2024-03-12T12:14:00Z');
    expect(told(await billAt('2024-04-01T00:00:00Z'))).toEqual([
      'INV-000001 fee small 8.71',
      'INV-000001-CN1 credit_note small -6.45',
      'INV-000002 fee tiny 0.00',
      'INV-000002-CN1 credit_note tiny 0.00',
      'INV-000003 period small 0.00',
      'INV-000004 fee large 3.23',
      'INV-000005 fee large 15.00',
      'INV-000006 period large 0.00',
    ]);
    await expectVerified(it);
  });

  test('goes on to be billed where a rest is taken back on its day', async () => {
    await it.plan('arrears', [{ key: 'base', name: 'Base fee', price: { model: 'flat', amount: '62.00' } }]);
    subscription = await it.subscribe('acme', 'arrears', '2024-03-01T00:00:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T09:00:00Z'));
    await changeNow(it, subscription, { kind: 'pause' });
    await billAt('2024-03-12T09:01:00Z');
    await changeNow(it, subscription, { kind: 'resume' });
    // 11 days and 20 days of 31, as before.
    const settled = told(await billAt('2024-04-01T00:00:00Z'));
    expect(settled).toEqual(['INV-000001 period arrears 22.00', 'INV-000002 period arrears 40.00']);
    await expectVerified(it);
  });

  test('keeps what the plan says is not given back', async () => {
    subscription = await it.subscribe('acme', 'kept', '2024-03-01T00:00:00Z');
    await billAt('2024-03-01T00:05:00Z');
    it.clock.moveTo(Date.parse('2024-03-12T12:12:00Z'));
    await changeNow(it, subscription, { kind: 'plan', plan: 'large' });
    const all = await billAt('2024-04-01T00:00:00Z');
    expect(all.filter(({ kind }) => kind === 'credit_note')).toEqual([]);
    // 10.00 were paid for March and stay; the new plan had no run in March: its 20 days are billed with its period.
    expect(told(all)).toEqual([
      'INV-000001 fee kept 10.00',
      'INV-000002 fee large 15.00',
      'INV-000003 period kept 0.00',
      'INV-000004 period large 9.68',
    ]);
    await expectVerified(it);
  });

  test('through a pause and back gives back and bills each stretch by itself', async () => {
    subscription = await it.subscribe('acme', 'small', '2024-03-01T00:00:00Z');
    await billAt('2024-03-01T00:05:00Z');
    it.clock.moveTo(Date.parse('2024-03-11T00:00:00Z'));
    await changeNow(it, subscription, { kind: 'pause', until: '2024-03-21T00:00:00Z' });
    await billAt('2024-03-11T00:01:00Z');
    await billAt('2024-03-21T00:01:00Z');
    const all = await billAt('2024-04-01T00:00:00Z');
    // 21 of 31 days are given back (6.77), of which the 11 after the pause are billed again (3.55): 10 + 11 days are 6.78 in all.
    const sum = all
      .filter(({ kind }) => kind === 'fee' || kind === 'credit_note')
      .filter(({ period }) => period.from < '2024-04-01')
      .map(({ kind, lines, creditNote }) => [kind, lines[0]?.amount ?? creditNote?.amount]);
    expect(sum).toEqual([
      ['fee', '10.00'],
      ['credit_note', '6.77'],
      ['fee', '3.55'],
    ]);
    await expectVerified(it);
  });
});
