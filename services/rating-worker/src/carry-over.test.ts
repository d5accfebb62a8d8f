import type { InvoiceDocument } from '@meterline/domain/invoices';
import { add, compare, decimal, multiply, ZERO } from '@meterline/domain/money';
import type { Modifiers, RateCard } from '@meterline/domain/prices';
import { describe as told } from '@meterline/domain/rating';
import { executeInvoiceRun, requestInvoiceRun, verifyInvoice } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(open);
afterEach(() => it.close());

async function open(): Promise<void> {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('seconds');
  await it.customer('acme', ['a']);
}

/** 0.10 a unit beyond 1,000 and what is carried over, at most 500. */
const card = (modifiers: Modifiers = {}): RateCard => ({
  ...{ key: 'calls', name: 'Calls', meter: 'seconds', price: { model: 'per_unit', unitAmount: '0.10' } },
  modifiers: { allowance: { units: '1000', carryOver: { maximumUnits: '500' } }, ...modifiers },
});

async function subscribe(cards: readonly RateCard[] = [card()]): Promise<void> {
  await it.plan('pro', cards);
  await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
}

const use = (day: string, quantity: number) => it.use('seconds', 'a', `2026-${day}T12:00:00Z`, String(quantity));

/** Invoices what ended by then; answers all invoices so far, each proven. */
async function invoicesAt(day: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(`2026-${day}T00:00:00Z`));
  await executeInvoiceRun(it.ports, await requestInvoiceRun(it.ports, undefined, it.tenant));
  const stored = await it.invoices();
  for (const { document } of stored) expect((await verifyInvoice(it.ports, document)).differences).toEqual([]);
  expect(await it.prepaidFaults()).toEqual([]);
  return stored.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

/** `carried in > out: amount` of the first line. */
const carriedOn = ({ lines: [line] }: Pick<InvoiceDocument, 'lines'>) =>
  `${line?.carriedUnits ?? '-'} > ${line?.carriedOver ?? '-'}: ${line?.amount ?? ''}`;
const spendOn = async (day: string) => {
  const { subscriptions } = await spendOf(it.ports, 'acme', Date.parse(`2026-${day}T00:00:00Z`), it.tenant);
  return subscriptions.map(carriedOn);
};

describe('what an allowance leaves over', () => {
  test('comes into the next period, up to the limit, and the invoice says so in every language', async () => {
    await subscribe();
    await use('01-10', 800);
    await use('02-10', 1150);
    await use('03-10', 100);
    const invoices = await invoicesAt('05-01');
    expect(invoices.map(carriedOn)).toEqual([
      '- > 200: 0.00', // 1,000 - 800
      '200 > 50: 0.00', // 1,000 + 200 - 1,150
      '50 > 500: 0.00', // 1,000 + 50 - 100 = 950, of which 500 go on
      '500 > 500: 0.00',
    ]);
    const steps = invoices[1]?.lines[0]?.explanation ?? [];
    expect(steps.map((step) => told(step, 'en'))).toEqual([
      '1150 units included in an allowance of 1000 and 200 carried over',
      '50 units of the allowance left for the next period (at most 500)',
    ]);
    expect(steps.map((step) => told(step, 'zh'))).toEqual([
      '1150 个单位在 1000 个单位的套餐额度和结转的 200 个之内',
      '套餐额度剩余 50 个单位，结转至下一周期（最多 500 个）',
    ]);
  });

  test('is counted as its price counts: in minutes, behind free units', async () => {
    const conversion = { operation: 'divide', factor: '60', rounding: 'up' } as const;
    await subscribe([card({ unitConversion: conversion, freeUnits: '100' })]);
    await use('01-10', 47_990); // 800 minutes begun, 100 of them free
    await use('02-10', 84_000); // 1,400: 1,300 behind the free ones
    expect((await invoicesAt('03-01')).map(carriedOn)).toEqual(['- > 300: 0.00', '300 > 0: 0.00']);
  });

  test('lets more usage pay the price of a package whose overage has one of its own, and tells it', async () => {
    const price = { model: 'flat', amount: '45.00' } as const;
    const overagePrice = { model: 'per_unit', unitAmount: '0.20' } as const;
    const allowance = { units: '1000', overagePrice, carryOver: { maximumUnits: null } };
    await subscribe([{ ...card(), price, modifiers: { allowance } }]);
    await use('01-10', 600);
    await use('02-10', 1410);
    const [, february] = await invoicesAt('03-01');
    // 1,410 - 1,000 - 400 = 10 beyond: 45.00 + 10 * 0.20
    expect(carriedOn(february ?? { lines: [] })).toBe('400 > 0: 47.00');
    expect(february?.lines[0]?.explanation.map(({ description }) => description)).toEqual([
      '1400 units included in an allowance of 1000 and 400 carried over',
      'Flat fee of 45.00',
      'Overage: 10 units at 0.20',
    ]);
  });

  test('keeps usage from prepaid packs, as everything that a plan includes', async () => {
    await subscribe();
    const pack = { kind: 'units', key: 'pack', name: 'pack', meter: 'seconds', amount: '70' };
    await it.give('acme', pack);
    await use('01-10', 800);
    await use('02-10', 1300);
    const [, february] = await invoicesAt('03-01');
    // 1,300 - 1,200 = 100, of which the pack covers 70
    expect(february?.lines).toMatchObject([{ covered: '70', carriedUnits: '200', carriedOver: '0', amount: '3.00' }]);
  });

  test('stays with the rate card when its price changes, and is given up where nothing is carried over any more', async () => {
    await subscribe();
    const change = (validFrom: string, modifiers?: Modifiers) =>
      it.priceChanges.add(
        { plan: 'pro', version: 1 },
        { rateCard: 'calls', validFrom, price: { model: 'per_unit', unitAmount: '0.20' }, ...(modifiers && { modifiers }) },
        it.tenant,
      );
    await change('2026-02-11T00:00:00Z');
    await change('2026-03-15T00:00:00Z', { allowance: { units: '400' } });
    await use('01-10', 900);
    await use('02-10', 1000);
    await use('02-20', 150);
    expect((await invoicesAt('05-01')).map(carriedOn)).toEqual([
      '- > 100: 0.00',
      '100 > 0: 10.00', // 1,100 included; 50 at the later price
      '- > -: 0.00',
      '- > -: 0.00',
    ]);
  });

  test('cannot change its unit: that is refused where the price would', async () => {
    await subscribe();
    const modifiers: Modifiers = {
      unitConversion: { operation: 'divide', factor: '60' },
      allowance: { units: '10', carryOver: { maximumUnits: null } },
    };
    const change = { rateCard: 'calls', validFrom: '2026-02-01T00:00:00Z', price: card().price, modifiers };
    await expect(it.priceChanges.add({ plan: 'pro', version: 1 }, change, it.tenant)).rejects.toMatchObject({
      code: 'price_change.invalid',
      errors: [{ path: 'modifiers.unitConversion', message: expect.stringContaining('must stay') as string }],
    });
  });
});

describe('live spend', () => {
  test('takes over what the last invoice left', async () => {
    await subscribe();
    await use('01-10', 800);
    await invoicesAt('02-01');
    await use('02-10', 1250);
    expect(await spendOn('02-20')).toEqual(['200 > 0: 5.00']); // 1,250 - 1,200
  });

  test('chains the periods that wait for their invoice, and comes to what they will say', async () => {
    await subscribe();
    await use('01-10', 800);
    await use('02-10', 1150);
    await use('03-10', 1090);
    const spend = await spendOn('03-20');
    expect(spend).toEqual(['50 > 0: 4.00']); // 200 left of January, 50 of February; 1,090 - 1,050
    expect(carriedOn((await invoicesAt('04-01')).at(-1) ?? { lines: [] })).toBe(spend[0]);
  });

  test('of a plan that came to carry over by a change of its price knows it, too', async () => {
    await subscribe([{ ...card(), modifiers: { allowance: { units: '1000' } } }]);
    const change = { rateCard: 'calls', validFrom: '2026-01-20T00:00:00Z', price: card().price, modifiers: card().modifiers };
    await it.priceChanges.add({ plan: 'pro', version: 1 }, change, it.tenant);
    await use('01-10', 600);
    expect(await spendOn('02-20')).toEqual(['400 > 500: 0.00']); // 1,400, of which 500 would go on
  });
});

describe('late usage', () => {
  test('takes units back from the periods that had taken them over, and prices there what they no longer cover', async () => {
    await subscribe();
    await use('01-10', 800);
    await use('02-10', 1200);
    expect((await invoicesAt('03-01')).map(carriedOn)).toEqual(['- > 200: 0.00', '200 > 0: 0.00']);
    await use('01-20', 50);
    const [, , march] = await invoicesAt('04-01');
    // January leaves 150, so 50 of February's 1,200 are beyond: 5.00. March has nothing to take over, as before.
    expect(march?.adjustments).toMatchObject([
      { invoice: 'INV-000001', carriedOver: '150', ratedAmount: '0.00', amount: '0.00' },
      { invoice: 'INV-000002', carriedUnits: '150', carriedOver: '0', ratedAmount: '5.00', amount: '5.00' },
    ]);
    expect(march?.total).toBe('5.00');
    expect(carriedOn(march ?? { lines: [] })).toBe('- > 500: 0.00');
  });

  test('of the period just invoiced lessens what the next invoice takes over', async () => {
    await subscribe();
    await use('01-10', 800);
    await invoicesAt('02-01');
    await use('01-20', 50);
    await use('02-10', 1200);
    const [, february] = await invoicesAt('03-01');
    expect(february?.adjustments).toMatchObject([{ carriedOver: '150', amount: '0.00' }]);
    expect(carriedOn(february ?? { lines: [] })).toBe('150 > 0: 5.00');
  });

  test('that is withdrawn gives money back, and hands on what it did not use', async () => {
    await subscribe();
    await use('01-10', 1100);
    await use('02-10', 1030);
    expect((await invoicesAt('03-01')).map(carriedOn)).toEqual(['- > 0: 10.00', '- > 0: 3.00']);
    await use('01-20', -150);
    const [, , march] = await invoicesAt('04-01');
    // January used 950 of 1,000: 10.00 back, and 50 left. They cover February's 30: 3.00 back, and 20 left for March.
    expect(march?.adjustments.map(({ amount, carriedOver }) => [amount, carriedOver])).toEqual([
      ['-10.00', '50'],
      ['-3.00', '20'],
    ]);
    expect(carriedOn(march ?? { lines: [] })).toBe('20 > 500: 0.00');
  });

  test('however it comes, costs in the end what it costs when everything is known at once', async () => {
    const usage = fc.record({ month: fc.nat(4), late: fc.nat(2), quantity: fc.integer({ min: 1, max: 1500 }) });
    const months = ['01', '02', '03', '04', '05', '06', '07', '08'];
    await fc.assert(
      fc.asyncProperty(fc.array(usage, { minLength: 1, maxLength: 12 }), async (events) => {
        await it.close();
        await open();
        await subscribe();
        let invoices: InvoiceDocument[] = [];
        for (const [at, next] of months.slice(1).entries()) {
          const arriving = events.filter(({ month, late }) => month + late === at);
          for (const { month, quantity } of arriving) await use(`${months[month] ?? ''}-20`, quantity);
          invoices = await invoicesAt(`${next}-01`);
        }
        let carried = 0;
        let beyond = 0;
        for (const month of months.slice(0, -1).keys()) {
          const used = events.filter((event) => event.month === month).reduce((sum, { quantity }) => sum + quantity, 0);
          const granted = 1000 + carried;
          beyond += Math.max(used - granted, 0);
          carried = Math.min(Math.max(granted - used, 0), 500);
        }
        // 0.10 for each unit beyond
        const charged = invoices.reduce((sum, { total }) => add(sum, decimal(total)), ZERO);
        expect(compare(charged, multiply(decimal(String(beyond)), decimal('0.1')))).toBe(0);
        expect(invoices.at(-1)?.lines[0]?.carriedOver).toBe(String(carried));
      }),
      { numRuns: 12 },
    );
  });
});

test('verification names carried units that the period before did not leave', async () => {
  await subscribe();
  await use('01-10', 800);
  await use('02-10', 1250);
  const [, february] = await invoicesAt('03-01');
  expect(february?.total).toBe('5.00'); // 1,250 - 1,200
  const forged = JSON.stringify(february)
    .replaceAll('"carriedUnits":"200"', '"carriedUnits":"250"')
    .replace('1200 units included in an allowance of 1000 and 200', '1250 units included in an allowance of 1000 and 250');
  const { differences } = await verifyInvoice(it.ports, forged);
  expect(differences).toContain('carried into the period of INV-000002, calls: issued 250, the period before left 200');
});
