import type { Commitment } from '@meterline/domain/commitments';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { billUntil, expectVerified } from '../../../test/support/rated-again.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow } from '../../../test/support/subscription-changes.ts';

const CALLS: RateCard = {
  ...{ key: 'calls', name: 'Calls', meter: 'calls' },
  price: { model: 'per_unit', unitAmount: '0.01' },
};
const YEAR: Commitment = { minimumSpend: '1200.00', every: 'year', trueUp: 'in_advance' };
const LARGER: Commitment = { minimumSpend: '2400.00', every: 'year', trueUp: 'in_advance' };

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
  for (const plan of ['pro', 'max']) await it.plan(plan, [CALLS]);
  await it.customer('acme', ['a']);
  subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z', YEAR);
});
afterEach(() => it.close());

const use = (day: string, dollars: number) => it.use('calls', 'a', `${day}T12:00:00Z`, String(dollars * 100));
const max = (commitment: Commitment | null = null) => ({ kind: 'plan', plan: 'max', commitment }) as const;
const drafted = (documents: readonly InvoiceDocument[]) =>
  documents.map(({ kind = 'period', plan, period, total }) => [kind, plan, period.from.slice(5, 10), total]);

/** Billed from New Year on, with 300.00 used in March; answers what is billed up to an instant, but for invoices of 0.00 before it. */
async function billedSinceNewYear(instant: string) {
  await billUntil(it, '2026-01-01T00:05:00Z');
  await use('2026-03-10', 300);
  return (await billUntil(it, instant)).filter(({ total }) => total !== '0.00');
}

describe('a year that was committed in advance, of which 300.00 is used, ends with a change', () => {
  test('within a month: days left are given back, what is not used of those before is lost, and both are said before', async () => {
    expect(drafted(await billedSinceNewYear('2026-06-01T00:05:00Z'))).toEqual([['advance', 'pro', '01-01', '1200.00']]);
    it.clock.moveTo(Date.parse('2026-06-11T12:00:00Z'));
    const preview = await previewNow(it, subscription, max(LARGER));
    // 161 days of 365: 1200.00 * 161 / 365 = 529.315..., and 2400.00 * 204 / 365 = 1341.369...
    expect(preview.commitment).toEqual({
      before: YEAR,
      after: LARGER,
      givenBack: '670.68',
      lost: '229.32',
      trueUp: null,
      dueInAdvance: '1341.37',
      message:
        '670.68 of what was paid in advance is given back; 229.32 of the 529.32 for the days so far is not used, and lost; ' +
        '1341.37 is due in advance for the new commitment',
    });
    expect(drafted([...preview.now, ...preview.next])).toEqual([
      ['period', 'pro', '06-01', '-670.68'],
      ['period', 'max', '06-11', '1341.37'],
      ['period', 'max', '07-01', '0.00'],
    ]);
    await changeNow(it, subscription, { token: preview.token });
    expect(drafted(await billUntil(it, '2026-06-11T13:00:00Z')).slice(-2)).toEqual([
      ['advance', 'max', '06-11', '1341.37'],
      ['period', 'pro', '06-01', '-670.68'],
    ]);
    await expectVerified(it);
  });

  test('on a day up to which all was invoiced as if it went on: the next invoice gives back what is left', async () => {
    await billedSinceNewYear('2026-06-01T00:05:00Z');
    it.clock.moveTo(Date.parse('2026-06-01T12:00:00Z'));
    const { commitment, next } = await previewNow(it, subscription, max());
    // 1200.00 - 1200.00 * 151 / 365 = 1200.00 - 496.44
    expect(commitment).toMatchObject({ givenBack: '703.56', lost: '196.44', dueInAdvance: null });
    expect(next[0]?.total).toBe('-703.56');
    await changeNow(it, subscription, max());
    const documents = await billUntil(it, '2026-08-01T00:05:00Z');
    expect(drafted(documents).slice(-2)).toEqual([
      ['period', 'max', '06-01', '-703.56'],
      ['period', 'max', '07-01', '0.00'],
    ]);
    await expectVerified(it);
  });

  test('of a rest: what is left is given back when it goes on, with which a new term begins', async () => {
    await billedSinceNewYear('2026-06-01T00:05:00Z');
    it.clock.moveTo(Date.parse('2026-06-01T12:00:00Z'));
    await changeNow(it, subscription, { kind: 'pause' });
    it.clock.moveTo(Date.parse('2026-08-01T12:00:00Z'));
    await changeNow(it, subscription, { kind: 'resume' });
    const documents = await billUntil(it, '2026-10-01T00:05:00Z');
    // 1200.00 * 153 / 365 from August on
    expect(drafted(documents).slice(-3)).toEqual([
      ['advance', 'pro', '08-01', '503.01'],
      ['period', 'pro', '08-01', '-703.56'],
      ['period', 'pro', '09-01', '0.00'],
    ]);
    await expectVerified(it);
  });
});

test('a minimum paid in advance under a plan that is taken back on its first day is given back whole', async () => {
  await billUntil(it, '2026-01-01T00:05:00Z');
  it.clock.moveTo(Date.parse('2026-01-01T12:00:00Z'));
  await changeNow(it, subscription, max());
  expect(drafted(await billUntil(it, '2026-03-01T00:05:00Z')).slice(-2)).toEqual([
    ['period', 'max', '01-01', '-1200.00'],
    ['period', 'max', '02-01', '0.00'],
  ]);
  await expectVerified(it);
});

test('a minimum that is trued up when the year ends is trued up to the days of a year that a change ends, on an invoiced day too', async () => {
  const trueUp: Commitment = { minimumSpend: '1200.00', every: 'year', trueUp: 'term_end' };
  await it.customer('beta', ['b']);
  const beta = await it.subscribe('beta', 'pro', '2026-01-01T00:00:00Z', trueUp);
  await billUntil(it, '2026-06-01T00:05:00Z');
  it.clock.moveTo(Date.parse('2026-06-01T12:00:00Z'));
  const { commitment } = await previewNow(it, beta, max());
  expect(commitment).toMatchObject({
    trueUp: '496.44', // 1200.00 * 151 / 365, as nothing was spent
    message: 'spend is raised by 496.44 to the 496.44 committed for the days so far',
  });
  await changeNow(it, beta, max());
  expect(drafted(await billUntil(it, '2026-07-01T00:05:00Z')).filter(([, , from]) => from === '06-01')).toContainEqual(
    ['period', 'max', '06-01', '496.44'], // prettier-ignore
  );
  await expectVerified(it);
});
