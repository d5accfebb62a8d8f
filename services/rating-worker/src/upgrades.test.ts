import { catalogStores, upgradeStore } from '@meterline/backends/postgres';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { Database, UpgradeRecord } from '@meterline/pipeline/ports';
import { resumeUpgrades, rollBackUpgrade, startUpgrade, type UpgradePorts } from '@meterline/pipeline/upgrades';
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
  it = await openRatingFixture(database, '2026-03-01T00:00:00Z');
  await it.meter('calls');
  const { features, plans } = catalogStores(database);
  await features.insert({ key: 'calls', name: 'Calls', meter: 'calls', filter: {} }, it.clock.nowMs(), it.tenant);
  const plan = (key: string, fee: string, overage: string, limit: string | null) =>
    plans.insert(
      {
        ...{ key, name: key, currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' }, unusedTime: 'credit' },
        rateCards: [
          { key: 'base', name: 'Base', price: { model: 'flat', amount: fee, paymentTerm: 'advance' } },
          { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: overage } },
        ],
        features: [{ feature: 'calls', entitlement: { type: 'metered', limit } }],
      },
      it.clock.nowMs(),
      it.tenant,
    );
  await plan('free', '0', '0', '100');
  await plan('pro', '31.00', '0.10', null);
  await it.customer('acme', ['a']);
  subscription = await it.subscribe('acme', 'free', '2026-03-01T00:00:00Z');
  await it.use('calls', 'a', '2026-03-05T00:00:00Z', '80');
  it.clock.moveTo(Date.parse('2026-03-12T09:00:00Z'));
});
afterEach(() => it.close());

/** The ports of upgrades on the fixture, at its clock; some may fail. */
function ports(broken: Partial<UpgradePorts> = {}): UpgradePorts {
  const { customers, plans, subscriptions } = catalogStores(database);
  return { ...it.ports, customers, plans, subscriptions, rules: it.rules, upgrades: upgradeStore(database), ...broken };
}
const unexpected = (error: unknown) => {
  throw error;
};
const upgrade = (broken?: Partial<UpgradePorts>) =>
  startUpgrade(ports(broken), subscription, { plan: 'pro', graceDays: 14 }, it.tenant);
const taken = ({ steps }: UpgradeRecord) =>
  steps.map(({ step, checks }) => `${step} ${checks.every(({ passed }) => passed) ? 'passed' : 'failed'}`);
const planNow = async () => {
  const record = await catalogStores(database).subscriptions.byId(subscription, it.tenant);
  return record?.stages.map(({ plan, fromMs }) => `${plan} from ${new Date(fromMs).toISOString().slice(0, 10)}`);
};

const bill = (instant: string) => billUntil(it, instant);
const told = (all: readonly InvoiceDocument[]) =>
  all.map(({ kind = 'period', plan, period, total }) => `${kind} ${plan} ${period.from.slice(5, 10)} ${total}`).toSorted();

describe('an upgrade', () => {
  test('takes its steps in order, names what its fees do not cover, and leaves everything counted and set', async () => {
    await it.rules.insert({ key: 'budget', customer: 'acme', plan: null, budget: '50.00', thresholds: ['80%'] }, 0, it.tenant);
    const done = await upgrade();
    expect(done.state).toBe('done');
    expect(taken(done)).toEqual([
      'eligibility passed',
      'prices passed',
      'snapshot passed',
      'switch passed',
      'verification passed',
    ]);
    expect(done.extraCosts).toMatchObject([{ rateCard: 'calls', meter: 'calls' }]);
    expect(done.snapshot).toMatchObject({
      terms: { plan: 'free', planVersion: 1 },
      usage: { quantities: { calls: '80' } },
      features: ['calls'],
      alertRules: { budget: ['80%'] },
    });
    expect(await planNow()).toEqual(['free from 2026-03-01', 'pro from 2026-03-12']);
    const verified = done.steps.at(-1)?.checks.map(({ check, message }) => `${check}: ${message}`);
    expect(verified).toContain('usage: 1 meters tell what they told before');
    expect(verified).toContain('alerts: 1 alert rules look at the customer');
  });

  test('by the token of a preview does what was shown, or says what changed since', async () => {
    const { token } = await previewNow(it, subscription, { kind: 'plan', plan: 'pro' });
    await catalogStores(database).customers.update('acme', { subjects: ['a', 'b'] }, it.tenant);
    const start = (by: string) => startUpgrade(ports(), subscription, { token: by, graceDays: 0 }, it.tenant);
    await expect(start(token)).rejects.toMatchObject({ code: 'subscription.changed_since', errors: [{ path: 'subjects' }] });
    const again = await previewNow(it, subscription, { kind: 'plan', plan: 'pro' });
    expect((await start(again.token)).state).toBe('done');
  });

  test('to lower fees, or at another time, is none; and a second one beside it is refused', async () => {
    const later = await previewNow(it, subscription, { kind: 'plan', plan: 'pro', at: 'period_end' });
    const start = (by: string) => startUpgrade(ports(), subscription, { token: by, graceDays: 0 }, it.tenant);
    await expect(start(later.token)).rejects.toMatchObject({ code: 'upgrade.not_up' });
    await upgrade();
    const down = await previewNow(it, subscription, { kind: 'plan', plan: 'free' });
    await expect(start(down.token)).rejects.toMatchObject({ code: 'upgrade.not_up' });
  });

  test('is taken back when a check is not passed: the fee is paid back and every day billed by the old plan', async () => {
    const rules = { page: async (...of: Parameters<typeof it.rules.page>) => it.rules.page(...of) };
    await it.rules.insert({ key: 'budget', customer: 'acme', plan: null, budget: '50.00', thresholds: ['80%'] }, 0, it.tenant);
    let looks = 0;
    const losing = {
      page: async (...of: Parameters<typeof rules.page>) =>
        (looks += 1) === 1 ? rules.page(...of) : { items: [], nextAfter: null },
    };
    const back = await upgrade({ rules: losing });
    expect(back.state).toBe('rolled_back');
    expect(taken(back).slice(-2)).toEqual(['verification failed', 'rollback passed']);
    expect(back.steps.at(-1)?.checks[0]?.message).toBe(
      'a check was not passed: alerts; the subscription is on free version 1 again',
    );
    expect(await planNow()).toEqual(['free from 2026-03-01']);
    // Nothing was billed in between: one invoice of nothing for March.
    expect(told(await bill('2026-04-01T00:00:00Z'))).toEqual(['period free 03-01 0.00']);
    await expectVerified(it);
  });
});

describe('taking an upgrade back on request', () => {
  test('within the grace period leaves nothing of it but what is paid back, also where fees and the days before are invoiced', async () => {
    const { id } = await upgrade();
    // 20 of 31 days at 31.00, and eleven days of nothing.
    expect(told(await bill('2026-03-12T09:05:00Z'))).toEqual(['fee pro 03-12 20.00', 'period free 03-01 0.00']);
    await it.use('calls', 'a', '2026-03-15T00:00:00Z', '7');
    it.clock.moveTo(Date.parse('2026-03-20T00:00:00Z'));
    const back = await rollBackUpgrade(ports(), subscription, id, it.tenant);
    expect(back).toMatchObject({ state: 'rolled_back' });
    // Seven calls under the old plan cost nothing; the fee is paid back.
    expect(told(await bill('2026-04-01T00:00:00Z'))).toEqual([
      'credit_note pro 03-12 -20.00',
      'fee pro 03-12 20.00',
      'period free 03-01 0.00',
      'period free 03-12 0.00',
    ]);
    expect(await planNow()).toEqual(['free from 2026-03-01', 'free from 2026-03-12']);
    await expectVerified(it);
    await expect(rollBackUpgrade(ports(), subscription, id, it.tenant)).rejects.toMatchObject({ code: 'upgrade.not_done' });
  });

  test('is refused after the grace period, after another change, and once days under the new plan are invoiced', async () => {
    const { id } = await upgrade();
    const rollBack = () => rollBackUpgrade(ports(), subscription, id, it.tenant);
    await expect(rollBackUpgrade(ports(), 'another', id, it.tenant)).rejects.toMatchObject({ code: 'upgrade.unknown' });
    it.clock.moveTo(Date.parse('2026-03-26T09:00:01Z'));
    await expect(rollBack()).rejects.toMatchObject({ code: 'upgrade.grace_over' });
    await database.query(`update subscription_upgrade set grace_until = '2027-01-01' where id = $1`, [id]);
    await bill('2026-04-01T00:00:00Z');
    await expect(rollBack()).rejects.toMatchObject({ code: 'subscription.invoiced' });
    await changeNow(it, subscription, { kind: 'pause' });
    await expect(rollBack()).rejects.toMatchObject({ code: 'subscription.changed_since' });
  });
});

describe('an upgrade whose process is killed', () => {
  test.each([
    ['before the switch', 'changes'],
    ['after the switch, before it was verified', 'byId'],
  ] as const)('%s is finished by whoever looks later, and made once', async (_, method) => {
    const { subscriptions } = catalogStores(database);
    let isDead = false;
    const upgrades = upgradeStore(database);
    const inserted: UpgradePorts['upgrades'] = {
      ...upgrades,
      insert: async (record) => {
        isDead = method === 'changes';
        return upgrades.insert(record);
      },
    };
    const dying = {
      ...subscriptions,
      changes: async (...of: Parameters<typeof subscriptions.changes>) => {
        if (isDead) throw new Error('killed');
        return subscriptions.changes(...of);
      },
      update: async (...of: Parameters<typeof subscriptions.update>) => {
        const result = await subscriptions.update(...of);
        isDead = true;
        return result;
      },
      byId: async (...of: Parameters<typeof subscriptions.byId>) => {
        if (isDead) throw new Error('killed');
        return subscriptions.byId(...of);
      },
    };
    await expect(upgrade({ subscriptions: dying, upgrades: inserted })).rejects.toThrow('killed');
    await expect(upgrade()).rejects.toMatchObject({ code: expect.stringMatching(/upgrade\.(running|not_up)/) as unknown });
    await resumeUpgrades(ports(), unexpected);
    const [left] = (await upgrades.page({ subscription, after: null, limit: 10 }, it.tenant)).items;
    expect(left?.state).toBe('running');
    it.clock.moveTo(it.clock.nowMs() + 61_000);
    await resumeUpgrades(ports(), unexpected);
    await resumeUpgrades(ports(), unexpected);
    const [finished] = (await upgrades.page({ subscription, after: null, limit: 10 }, it.tenant)).items;
    expect(finished?.state).toBe('done');
    expect(await planNow()).toEqual(['free from 2026-03-01', 'pro from 2026-03-12']);
    const changes = await subscriptions.changes(subscription, it.tenant);
    expect(changes.map(({ kind }) => kind)).toEqual(['start', 'plan']);
  });
});
