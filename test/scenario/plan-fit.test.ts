import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

/** The months from January to June 2026. */
const MONTHS = ['01', '02', '03', '04', '05', '06'];

interface Choice {
  readonly plan: string;
  readonly total: string;
  readonly average: string;
  readonly saving: string | null;
  readonly savingPercent: string | null;
}
interface Assessment {
  readonly fits: string;
  readonly total: string | null;
  readonly growthPercent: string | null;
  readonly allowance: { readonly averagePercent: string; readonly monthsExceeded: number } | null;
  readonly now: Choice;
  readonly doubled: Choice;
  readonly sentence: string;
}
interface Fit {
  readonly months: readonly { readonly firstDay: string; readonly from: string; readonly to: string }[];
  readonly assessments: readonly Assessment[];
  readonly plans: readonly {
    readonly plan: string;
    readonly months: readonly string[];
    readonly total: string;
    readonly doubledTotal: string;
  }[];
  readonly usage: readonly {
    readonly months: readonly string[];
    readonly peakMonth: unknown;
    readonly peakDay: unknown;
    readonly trend: unknown;
  }[];
}

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T00:00:00Z' });
  await setUp();
}, 120_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

const event = (subject: string, day: string, n: number) => ({
  type: 'call',
  subject,
  time: `${day}T12:00:00Z`,
  data: { n: String(n) },
});

/** small, and yearly by the year: 10.00 with 1,000 calls, 0.02 each beyond. large: 100.00 with 10,000, 0.015 each beyond. payg: 0.05 a call. */
async function setUp(): Promise<void> {
  await call('PUT', '/v1/invoice-schedule', { cron: '0 0 31 12 *' }); // only the run asked for here
  await call('POST', '/v1/meters', { key: 'calls', name: 'Calls', eventType: 'call', aggregation: 'sum', valueProperty: '$.n', dimensions: {} }); // prettier-ignore
  const packaged = (key: string, fee: string, units: string, unitAmount: string) => [
    { key: 'base', name: 'Base', price: { model: 'flat', amount: fee } },
    { key, name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount }, modifiers: { allowance: { units } } },
  ];
  const plans = {
    small: packaged('calls', '10.00', '1000', '0.02'),
    large: packaged('calls', '100.00', '10000', '0.015'),
    payg: [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.05' } }],
  };
  for (const [key, rateCards] of Object.entries(plans)) await plan(key, 'month', 'USD', rateCards);
  await plan('yearly', 'year', 'USD', plans.small);
  await plan('euro', 'month', 'EUR', plans.payg);
  for (const [key, own] of Object.entries({ idle: 'large', heavy: 'small', grower: 'small', late: null })) {
    await call('POST', '/v1/customers', { key, name: key, currency: 'USD', subjects: [`s-${key}`] });
    if (own !== null) await call('POST', '/v1/subscriptions', { customer: key, plan: own, startsAt: '2026-01-01T00:00:00Z' });
  }
  // The grower: 1,000 calls, and a fifth more each month.
  const grown = [1000, 1200, 1440, 1728, 2073.6, 2488.32];
  for (const [index, month] of MONTHS.entries()) {
    await server.clockTo(`2026-${month}-28T00:00:00Z`);
    await server.use(
      event('s-idle', `2026-${month}-05`, 900),
      event('s-idle', `2026-${month}-17`, month === '03' ? 2100 : 1100),
      event('s-heavy', `2026-${month}-10`, month === '04' ? 1000 : 6000),
      event('s-grower', `2026-${month}-11`, grown[index] ?? 0),
      ...(index >= 4 ? [event('s-late', `2026-${month}-20`, 100)] : []),
    );
  }
  await server.clockTo('2026-07-10T00:00:00Z');
}

async function plan(key: string, every: string, currency: string, rateCards: unknown): Promise<void> {
  await call('POST', '/v1/plans', { key, name: key, currency, billingPeriod: { every, anchor: 'calendar' }, rateCards });
}

const fitOf = (customer: string, query = '') => call<Fit>('GET', `/v1/customers/${customer}/plan-fit${query}`);
const costsIn = ({ plans }: Fit) =>
  Object.fromEntries(plans.map(({ plan: key, total, doubledTotal }) => [key, [total, doubledTotal]]));

it('who uses under 30 % of a package is told so, and which plan would have cost less', async () => {
  const fit = await fitOf('idle');
  // 2,000 calls a month, 3,000 in March: 13,000 of 60,000 are 21.7 %
  const [assessment] = fit.assessments;
  expect(assessment).toMatchObject({
    fits: 'too_large',
    allowance: { averagePercent: '21.7', monthsExceeded: 0 },
    growthPercent: '0',
  });
  // small: 5 * (10 + 1,000 * 0.02 = 30) + (10 + 2,000 * 0.02 = 50) = 200; twice: 5 * (10 + 3,000 * 0.02 = 70) + (10 + 5,000 * 0.02 = 110) = 460
  // large: 6 * 100 = 600, also for 4,000 and 6,000 calls. payg: 13,000 * 0.05 = 650, twice 1,300
  // yearly: a year of it has 26,000 calls, 10 + 25,000 * 0.02 = 510, half of it 255; twice 10 + 51,000 * 0.02 = 1,030, half of it 515
  expect(costsIn(fit)).toEqual({
    ...{ small: ['200.00', '460.00'], large: ['600.00', '600.00'], payg: ['650.00', '1300.00'] },
    yearly: ['255.00', '515.00'],
  });
  // 600 - 200 = 400 of 600 are 66.7 %; 200 / 6 = 33.33
  expect(assessment?.now).toMatchObject({
    plan: 'small',
    total: '200.00',
    average: '33.33',
    saving: '400.00',
    savingPercent: '66.7',
  });
  expect(assessment?.doubled).toMatchObject({ plan: 'small', total: '460.00' });
  expect(fit.usage[0]).toMatchObject({
    months: ['2000', '2000', '3000', '2000', '2000', '2000'],
    peakMonth: { firstDay: '2026-03-01', quantity: '3000' },
    peakDay: { day: '2026-03-17', quantity: '2100', percentOfMonth: '70' },
    trend: { growthPercent: '0', forecast: '2000' },
  });
  expect(assessment?.sentence).toBe(
    'In 6 months 21.7 % of the 10000 units of Calls in large were used on average; small would have cost 200.00 USD instead of 600.00 USD, 66.7 % less, and it still fits at twice the usage.',
  );
});

it('who keeps exceeding a package is told how often, and that the next one fits only at twice the usage', async () => {
  const fit = await fitOf('heavy');
  // small: 5 * (10 + 5,000 * 0.02 = 110) + 10 = 560; large: 6 * 100 = 600.
  // Twice: small 5 * (10 + 11,000 * 0.02 = 230) + (10 + 1,000 * 0.02 = 30) = 1,180; large 5 * (100 + 2,000 * 0.015 = 130) + 100 = 750
  expect(costsIn(fit)).toMatchObject({ small: ['560.00', '1180.00'], large: ['600.00', '750.00'] });
  expect(fit.assessments).toMatchObject([
    {
      // 31,000 of 6,000 are 516.7 %
      ...{ fits: 'too_small', allowance: { averagePercent: '516.7', monthsExceeded: 5 } },
      now: { plan: 'small', isCurrent: true, saving: '0.00' },
      // 1,180 - 750 = 430
      doubled: { plan: 'large', saving: '430.00', savingPercent: '36.4' },
    },
  ]);
});

it('who grows by a fifth a month is told the growth, the next month, and the plan for twice the usage', async () => {
  const three = await fitOf('grower', '?months=3&language=zh');
  // 1,728, 2,073.6 and 2,488.32 calls: small 10 + 14.56, 10 + 21.472 = 31.47 and 10 + 29.7664 = 39.77 (rounded once each): 95.80
  expect(three.plans.find(({ plan: key }) => key === 'small')?.months).toEqual(['24.56', '31.47', '39.77']);
  // 2,488.32 * 1.2 = 2,985.984, to two decimals as the months are
  expect(three.usage[0]?.trend).toEqual({ growthPercent: '20', forecast: '2985.98' });
  expect(three.assessments[0]?.sentence).toContain('用量每月变化 +20%');

  // A plan of 45.00 with 5,000 calls is above small's 95.80 with 135.00, and below it at twice the usage:
  // 10 + 2,456 * 0.02 = 59.12, 10 + 3,147.2 * 0.02 = 72.94 and 10 + 3,976.64 * 0.02 = 89.53 are 221.59
  await plan('middle', 'month', 'USD', [
    { key: 'base', name: 'Base', price: { model: 'flat', amount: '45.00' } },
    {
      key: 'calls',
      name: 'Calls',
      meter: 'calls',
      price: { model: 'per_unit', unitAmount: '0.02' },
      modifiers: { allowance: { units: '5000' } },
    },
  ]);
  const [assessment] = (await fitOf('grower', '?months=3')).assessments;
  expect(assessment).toMatchObject({ fits: 'too_small', growthPercent: '20' });
  expect([assessment?.now.plan, assessment?.now.total]).toEqual(['small', '95.80']);
  // 3 * 45 = 135: 4,976.64 calls at most are within 5,000
  expect([assessment?.doubled.plan, assessment?.doubled.total]).toEqual(['middle', '135.00']);
  await call('POST', '/v1/plans/middle/archive', {});
});

it('each month costs what its invoice says', async () => {
  await server.invoiceRun();
  for (const [customer, own] of [
    ['idle', 'large'],
    ['heavy', 'small'],
    ['grower', 'small'],
  ] as const) {
    // prettier-ignore
    const { items } = await call<{ items: { total: string; period: { from: string } }[] }>('GET', `/v1/invoices?customer=${customer}`);
    const invoiced = items.toSorted((a, b) => (a.period.from < b.period.from ? -1 : 1));
    const fit = await fitOf(customer);
    expect(fit.plans.find(({ plan: key }) => key === own)?.months).toEqual(invoiced.map(({ total }) => total));
    expect(fit.months.map(({ from }) => from)).toEqual(invoiced.map(({ period }) => period.from));
  }
});

it('who has no subscription and a short history gets what there is, by the share of a year too; other currencies are not compared', async () => {
  const fit = await fitOf('late');
  expect(fit.months.map(({ firstDay }) => firstDay)).toEqual(['2026-05-01', '2026-06-01']);
  // yearly: 200 calls in 2 months are 1,200 a year, 10 + 200 * 0.02 = 14 and 2 / 12 of it 2.33; payg: 2 * 100 * 0.05 = 10; small: 2 * 10 = 20
  const now = { plan: 'yearly', every: 'year', total: '2.33', average: '1.17', saving: null };
  expect(fit).toMatchObject({ assessments: [{ fits: 'no_subscription', now }], monthsAsked: 6, notCompared: [] });
  expect(fit.plans.map(({ plan: key, months }) => [key, months])).toMatchObject([
    ['yearly', ['1.17', '1.16']],
    ['payg', ['5.00', '5.00']],
    ['small', ['10.00', '10.00']],
    ['large', ['100.00', '100.00']],
  ]);
});

it('the report holds every subscription once, page by page, and only what is asked for', async () => {
  type Page = { items: { customer: string; fits: string; sentence: string }[]; nextCursor: string | null };
  const pages: Page[] = [];
  for (let cursor = ''; ;) {
    const page = await call<Page>('GET', `/v1/plan-fit?limit=3${cursor}`);
    pages.push(page);
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  expect(pages.map(({ items }) => items.map(({ customer, fits }) => `${customer} ${fits}`))).toEqual([
    ['grower too_small', 'heavy too_small', 'idle too_large'],
    ['late no_subscription'],
  ]);
  const alone = await Promise.all(['grower', 'heavy', 'idle', 'late'].map((customer) => fitOf(customer)));
  const sentences = alone.flatMap(({ assessments }) => assessments.map(({ sentence }) => sentence));
  expect(pages.flatMap(({ items }) => items.map(({ sentence }) => sentence))).toEqual(sentences);
  const large = await call<Page>('GET', '/v1/plan-fit?fits=too_large');
  expect(large.items.map(({ customer }) => customer)).toEqual(['idle']);
});

it('refuses what it cannot answer, naming the field and the rule, all at once', async () => {
  await expect(call('GET', '/v1/customers/nobody/plan-fit')).rejects.toThrow('customer.unknown');
  await expect(call('GET', '/v1/customers/idle/plan-fit?months=7')).rejects.toThrow(
    'must be a whole number of months from 3 to 6',
  );
  const wrong = call('GET', '/v1/plan-fit?months=2&language=fr&fits=huge&limit=500');
  await expect(wrong).rejects.toThrow(/"path":"months".*"path":"language".*"path":"fits".*"path":"limit"/s);
});
