import type { InvoiceDocument } from '@meterline/domain/invoices';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScenarioServer, startScenario } from '../support/scenario-server.ts';

/** Of each ten users five talk 30 minutes in a month, three show themselves in HD for 20, and two in full HD for 10. */
const CALLS = [
  ...Array.from({ length: 5 }, () => ({ media: 'audio', resolution: 'none', minutes: '30' })),
  ...Array.from({ length: 3 }, () => ({ media: 'video', resolution: 'hd', minutes: '20' })),
  ...Array.from({ length: 2 }, () => ({ media: 'video', resolution: 'full_hd', minutes: '10' })),
];
/** How many users called in each month. */
const USERS = { '01': 50, '02': 500, '03': 2000, '04': 4000, '05': 5000 };

let server: ScenarioServer;

beforeAll(async () => {
  server = await startScenario({ now: '2026-01-01T09:00:00Z' });
  await setUp();
}, 120_000);
afterAll(() => server.stop());

const call: ScenarioServer['call'] = (method, route, body) => server.call(method, route, body);

/**
 * payg: 100 users a month are free, 0.05 for each of the others; 2,000 minutes are free, then 0.001 for audio, 0.004 for HD, 0.009 for full HD.
 * package: 199.00 with 4,000 users and 240,000 standard minutes, of which a minute of HD is 4 and one of full HD 9; 0.03 for each user and 0.80 for each
 * 1,000 standard minutes beyond.
 */
async function setUp(): Promise<void> {
  await call('PUT', '/v1/invoice-schedule', { cron: '5 0 1 * *' });
  const dimensions = { media: '$.media', resolution: '$.resolution' };
  await call('POST', '/v1/meters', { key: 'minutes', eventType: 'call', aggregation: 'sum', valueProperty: '$.minutes', dimensions }); // prettier-ignore
  await call('POST', '/v1/meters', { key: 'users', eventType: 'call', aggregation: 'unique_count', valueProperty: '$.user' });
  const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount });
  const cell = (media: string, resolution: string, unitAmount: string) => ({
    match: { media, resolution },
    price: perUnit(unitAmount),
  });
  const users = { key: 'users', name: 'Users', meter: 'users' };
  const minutes = { key: 'minutes', name: 'Minutes', meter: 'minutes' };
  const plans = {
    payg: [
      { ...users, price: perUnit('0.05'), modifiers: { freeUnits: '100' } },
      {
        ...minutes,
        price: {
          model: 'matrix',
          dimensions: ['media', 'resolution'],
          cells: [cell('audio', 'none', '0.001'), cell('video', 'hd', '0.004'), cell('video', 'full_hd', '0.009')],
        },
        modifiers: { freeUnits: '2000' },
      },
    ],
    package: [
      { key: 'base', name: 'Base', price: { model: 'flat', amount: '199.00' } },
      { ...users, price: perUnit('0.03'), modifiers: { allowance: { units: '4000' } } },
      {
        ...minutes,
        price: { model: 'package', packageSize: '1000', packageAmount: '0.80' },
        modifiers: {
          unitConversion: {
            ...{ operation: 'multiply', factor: '1' },
            weights: { dimension: 'resolution', factors: { none: '1', hd: '4', full_hd: '9' } },
          },
          allowance: { units: '240000' },
        },
      },
    ],
  };
  for (const [key, rateCards] of Object.entries(plans)) {
    await call('POST', '/v1/plans', {
      ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
      rateCards,
    });
  }
  await call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['rooms'] });
}

/** The calls of a month, all before its fourth day. */
async function callIn(month: keyof typeof USERS): Promise<void> {
  const events = Array.from({ length: USERS[month] }, (_, index) => ({
    ...{ type: 'call', subject: 'rooms', time: `2026-${month}-03T08:00:00Z` },
    data: { user: `user-${index}`, ...CALLS[index % CALLS.length] },
  }));
  await server.use(...events);
}

interface Fit {
  readonly plans: readonly {
    readonly plan: string;
    readonly months: readonly string[];
    readonly total: string;
    readonly doubledTotal: string;
    readonly allowances: readonly { readonly key: string; readonly averagePercent: string; readonly monthsExceeded: number }[];
  }[];
  readonly assessments: readonly unknown[];
}
const fit = () => call<Fit>('GET', '/v1/customers/acme/plan-fit?months=3');
const costs = ({ plans }: Fit) =>
  Object.fromEntries(plans.map(({ plan, months, total, doubledTotal }) => [plan, [...months, total, doubledTotal]]));
const utilisation = ({ plans }: Fit, key: string) =>
  plans
    .find(({ plan }) => plan === key)
    ?.allowances.map((allowance) => [allowance.key, allowance.averagePercent, allowance.monthsExceeded]);

const told = (invoices: readonly InvoiceDocument[]) =>
  invoices.map(({ plan, period, lines, total }) => {
    return [`${period.from.slice(5, 10)} ${plan}`, ...lines.map(({ key, amount }) => `${key} ${amount}`), total];
  });

it('from 50 users to 5,000: each month is billed by users and by kinds of minutes, and the package is taken when its fit is proven in numbers, and not before', async () => {
  const { id } = await call<{ id: string }>('POST', '/v1/subscriptions', { customer: 'acme', plan: 'payg' });
  for (const month of ['01', '02', '03'] as const) {
    await server.clockTo(`2026-${month}-03T09:00:00Z`);
    await callIn(month);
  }
  await server.clockTo('2026-04-03T09:00:00Z');
  // Of ten users 150 minutes are audio, 60 HD and 20 full HD: 230 minutes, and 150 + 60 * 4 + 20 * 9 = 570 standard minutes.
  const months = [
    // 50 users: 750 + 300 + 100 = 1,150 minutes, all of it free.
    ['01-01 payg', 'users 0.00', 'minutes 0.00', '0.00'],
    // 400 * 0.05; (7,500 - 2,000) * 0.001 + 3,000 * 0.004 + 1,000 * 0.009 = 5.50 + 12.00 + 9.00
    ['02-01 payg', 'users 20.00', 'minutes 26.50', '46.50'],
    // 1,900 * 0.05; 28,000 * 0.001 + 12,000 * 0.004 + 4,000 * 0.009 = 28.00 + 48.00 + 36.00
    ['03-01 payg', 'users 95.00', 'minutes 112.00', '207.00'],
  ];
  expect(told(await server.invoices('acme', 3))).toEqual(months);

  // Too early. At twice the usage, January is 100 users and (600 - 500) * 0.004 + 200 * 0.009 = 2.20; February 900 * 0.05 + 13.00 + 24.00 + 18.00 = 100.00;
  // March 3,900 * 0.05 + 58.00 + 96.00 + 72.00 = 421.00. Of the package 4,000 users and 228,000 standard minutes are within what is included.
  const early = await fit();
  expect(costs(early)).toEqual({
    payg: ['0.00', '46.50', '207.00', '253.50', '523.20'],
    package: ['199.00', '199.00', '199.00', '597.00', '597.00'],
  });
  expect(early.assessments).toMatchObject([
    { now: { plan: 'payg', isCurrent: true }, doubled: { plan: 'payg', isCurrent: true } },
  ]);

  await callIn('04');
  await server.clockTo('2026-05-04T09:00:00Z');
  // 3,900 * 0.05; 58,000 * 0.001 + 24,000 * 0.004 + 8,000 * 0.009 = 58.00 + 96.00 + 72.00
  months.push(['04-01 payg', 'users 195.00', 'minutes 226.00', '421.00']);
  expect(told(await server.invoices('acme', 4))).toEqual(months);

  // February to April. Twice: 100.00 + 421.00 + 7,900 * 0.05 + 118.00 + 192.00 + 144.00 = 1,370.00 against
  // 199.00 + 199.00 + (199.00 + 4,000 * 0.03 + (456,000 - 240,000) / 1,000 * 0.80 = 491.80) = 889.80.
  const grown = await fit();
  expect(costs(grown)).toEqual({
    payg: ['46.50', '207.00', '421.00', '674.50', '1370.00'],
    package: ['199.00', '199.00', '199.00', '597.00', '889.80'],
  });
  // Of the package 6,500 / 12,000 = 54.2 % and (28,500 + 114,000 + 228,000) / 720,000 = 51.5 % would have been used. What is free in pay as you go is no
  // package that could be too small.
  expect(utilisation(grown, 'payg')).toEqual([]);
  expect(utilisation(grown, 'package')).toEqual([
    ['users', '54.2', 0],
    ['minutes', '51.5', 0],
  ]);
  expect(grown.assessments).toMatchObject([
    {
      ...{ fits: 'no_allowance', total: '674.50', allowance: null },
      // 77.50 of 674.50 are 11.5 %; 1,370.00 - 889.80 = 480.20 are 35.1 %.
      now: { plan: 'package', total: '597.00', average: '199.00', saving: '77.50', savingPercent: '11.5' },
      doubled: { plan: 'package', total: '889.80', saving: '480.20', savingPercent: '35.1' },
    },
  ]);

  // So the package is taken for all of May, as none of it is invoiced: 1,000 * 0.03, and 285,000 - 240,000 standard minutes are 45 * 0.80.
  await callIn('05');
  const change = { kind: 'plan', plan: 'package', at: '2026-05-01T00:00:00Z' };
  const route = `/v1/subscriptions/${id}/changes`;
  const preview = await call<{ token: string; next: unknown[]; lastMonths: object }>('POST', `${route}/preview`, change);
  expect(preview.next).toMatchObject([{ from: '2026-05-01T00:00:00Z', to: '2026-06-01T00:00:00Z', total: '265.00' }]);
  expect(preview.lastMonths).toMatchObject({ before: '674.50', after: '597.00' });
  await call('POST', route, { token: preview.token });
  await server.clockTo('2026-06-02T09:00:00Z');
  months.push(['05-01 package', 'base 199.00', 'users 30.00', 'minutes 36.00', '265.00']);
  expect(told(await server.invoices('acme', 5))).toEqual(months);

  // March to May: it fits, with (2,000 + 4,000 + 5,000) / 12,000 = 91.7 % of the users, one month beyond, and (114,000 + 228,000 + 285,000) / 720,000 = 87.1 %
  // of the minutes. Pay as you go would have been 207.00 + 421.00 + (4,900 * 0.05 + 73.00 + 120.00 + 90.00 = 528.00).
  // Twice: 421.00 + 849.00 + (9,900 * 0.05 + 148.00 + 240.00 + 180.00 = 1,063.00) against 199.00 + 491.80 + (199.00 + 6,000 * 0.03 + 330 * 0.80 = 643.00).
  const fitting = await fit();
  expect(costs(fitting)).toEqual({
    payg: ['207.00', '421.00', '528.00', '1156.00', '2333.00'],
    package: ['199.00', '199.00', '265.00', '663.00', '1333.80'],
  });
  expect(utilisation(fitting, 'package')).toEqual([
    ['users', '91.7', 1],
    ['minutes', '87.1', 1],
  ]);
  expect(fitting.assessments).toMatchObject([
    { fits: 'right', total: '663.00', now: { plan: 'package', isCurrent: true, saving: '0.00' } },
  ]);
  expect(await server.reconciled()).toEqual({ differences: [], documents: 5 });
}, 180_000);
