import { catalogStores, ratingStore } from '@meterline/backends/postgres';
import type { Database, EntitlementOccurrence } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { together } from '../support/parallel.ts';

const NOW_MS = Date.parse('2026-03-15T00:00:00Z');
const MARCH = { periodFromMs: Date.parse('2026-03-01T00:00:00Z'), periodToMs: Date.parse('2026-04-01T00:00:00Z') };

let tenants = 0;

/** What plan versions, features and reached levels must keep on every billing store, however many work on them at once. */
export function planVersionContract(name: string, open: () => Promise<Database>): void {
  describe(`plan versions, features and reached levels on ${name}`, () => {
    let database: Database;
    let tenant: string;
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.close());
    beforeEach(async () => {
      tenant = `versions-${name}-${(tenants += 1)}`;
      await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
      const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
      await plans().insert({ key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: [] }, NOW_MS, tenant);
    });

    const plans = () => catalogStores(database).plans;
    const features = () => catalogStores(database).features;
    const addDraft = () => plans().addVersion('pro', { rateCards: [], draft: true }, NOW_MS, tenant);
    const versions = async () => (await plans().versions('pro', { after: null, limit: 50 }, tenant)).items;

    test('a feature is made once, however many make it at once, and is read by key, page and tenant', async () => {
      const draft = { key: 'video', name: 'Video', meter: null, filter: { media: ['b', 'a'] } };
      const made = await together(Array.from({ length: 8 }, () => () => features().insert(draft, NOW_MS, tenant)));
      expect(made.filter((feature) => feature !== undefined)).toEqual([{ ...draft, createdAtMs: NOW_MS, archivedAtMs: null }]);
      await features().insert({ ...draft, key: 'audio' }, NOW_MS, tenant);
      const page = await features().page({ after: null, limit: 1 }, tenant);
      expect([page.items.map(({ key }) => key), page.nextAfter]).toEqual([['audio'], 'audio']);
      expect((await features().byKeys(['video', 'none'], tenant)).map(({ key }) => key)).toEqual(['video']);
      expect(await features().byKey('video', 'another')).toBeUndefined();
      expect(await features().archive('video', NOW_MS + 1, tenant)).toMatchObject({ archivedAtMs: NOW_MS + 1 });
      expect(await features().archive('video', NOW_MS + 2, tenant)).toMatchObject({ archivedAtMs: NOW_MS + 1 });
    });

    test('a plan has one draft, however many begin one at once', async () => {
      const made = await together(Array.from({ length: 8 }, () => addDraft));
      expect(made.filter((plan) => plan !== 'draft_exists')).toMatchObject([{ version: 2, draft: true }]);
      expect(await plans().byKey('pro', tenant)).toMatchObject({ version: 1, draft: false });
    });

    test('a draft is published once, and no change lands on it afterwards', async () => {
      await addDraft();
      const key = { plan: 'pro', version: 2 };
      const features = (limit: number) => [{ feature: 'video', entitlement: { type: 'metered', limit: String(limit) } } as const];
      const outcomes = await together(
        Array.from(
          { length: 12 },
          (_, index) => () =>
            index % 4 === 3
              ? plans().publish(key, tenant)
              : plans().updateDraft(key, { rateCards: [], features: features(index) }, tenant),
        ),
      );
      const published = outcomes.flatMap((outcome) => (typeof outcome === 'object' && !outcome.draft ? [outcome] : []));
      expect(published).toHaveLength(1);
      expect(outcomes.filter((outcome) => typeof outcome === 'string').every((outcome) => outcome === 'published')).toBe(true);
      expect(await plans().byKey('pro', tenant)).toEqual(published[0]);
    });

    test('of all versions archived at once one is left, and new subscriptions get it', async () => {
      for (let version = 2; version <= 4; version += 1) await plans().addVersion('pro', { rateCards: [] }, NOW_MS, tenant);
      await together([1, 2, 3, 4].map((version) => () => plans().archiveVersion({ plan: 'pro', version }, NOW_MS, tenant)));
      const left = (await versions()).filter(({ archivedAtMs }) => archivedAtMs === null);
      expect(left).toHaveLength(1);
      expect(await plans().byKey('pro', tenant)).toMatchObject({ version: left[0]?.version });
    });

    test('a published version refuses every change but its price changes and its end, whoever asks', async () => {
      for (const change of [`rate_cards = '[1]'`, `features = '[1]'`, `draft = true`, `commitment = '{}'`])
        await expect(database.query(`update plan_version set ${change} where tenant = $1`, [tenant])).rejects.toThrow(
          'never changes',
        );
      await database.query('update plan_version set price_revision = 1 where tenant = $1', [tenant]);
    });

    test('workers that find the same level at once keep it once and send one message; levels of other limits and periods are others', async () => {
      const level = (percent: number, more: Partial<EntitlementOccurrence> = {}): EntitlementOccurrence => ({
        ...{ id: `${tenant}-${percent}`, customer: 'acme', feature: 'video', ...MARCH, percent, limit: '100', used: '100' },
        ...{ balance: '0', overage: '0', hasAccess: false, sources: [], cut: [7], triggeredAtMs: NOW_MS, ...more },
      });
      const fired = await together(
        Array.from({ length: 8 }, (_, index) => () => {
          const both = [level(80), level(100)];
          return ratingStore(database).conclude(index % 2 === 0 ? both : both.toReversed(), [], tenant);
        }),
      );
      expect(fired.flat().map(({ id }) => id).toSorted()).toEqual([`${tenant}-100`, `${tenant}-80`]); // prettier-ignore
      const others = [level(80, { id: `${tenant}-x`, limit: '200' }), level(80, { id: `${tenant}-y`, periodFromMs: MARCH.periodToMs })]; // prettier-ignore
      expect(await ratingStore(database).conclude(others, [], tenant)).toHaveLength(2);
      // the same level by another id is still the same
      expect(await ratingStore(database).conclude([level(80, { id: `${tenant}-z` })], [], tenant)).toEqual([]);
      expect(await database.query('select id from webhook_message where tenant = $1', [tenant])).toHaveLength(4);
    });

    test('entitlements of a customer may have changed if it or a subject of it was touched, where the tenant has features at all', async () => {
      const { customers } = catalogStores(database);
      await customers.insert({ key: 'acme', name: 'A', currency: 'USD', timezone: 'UTC', subjects: ['a'] }, NOW_MS, tenant);
      expect(await ratingStore(database).entitled(['a'], ['beta'], tenant)).toEqual([]);
      await features().insert({ key: 'sso', name: 'SSO', meter: null, filter: {} }, NOW_MS, tenant);
      expect(await ratingStore(database).entitled(['a', 'nobody'], ['beta', 'acme'], tenant)).toEqual(['acme', 'beta']);
      expect(await ratingStore(database).entitled(['a'], [], 'another')).toEqual([]);
    });
  });
}
