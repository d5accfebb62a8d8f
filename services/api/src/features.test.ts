import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultPaths, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  for (const key of ['minutes', 'gone'])
    await api.call('POST', '/v1/meters', { key, eventType: 'call', aggregation: 'count', dimensions: { media: '$.media' } });
});
afterAll(() => api.close());

const create = (body: object, as?: string) => api.call('POST', '/v1/features', body, as);
const plan = (key: string, features: readonly object[]) =>
  api.call('POST', '/v1/plans', {
    key,
    name: key,
    currency: 'USD',
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards: [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '1.00' } }],
    features,
  });

describe('features', () => {
  test('are created, listed, read and archived once, each tenant its own', async () => {
    const video = { key: 'video', name: 'Video', meter: 'minutes', filter: { media: 'video' } };
    const made = await create(video);
    expect(made).toMatchObject({ status: 201, body: { ...video, filter: { media: ['video'] }, archivedAt: null } });
    expect(await create({ key: 'sso', name: 'Single sign-on' })).toMatchObject({
      status: 201,
      body: { meter: null, filter: {} },
    });
    expect((await api.call('GET', '/v1/features')).body['items']).toMatchObject([{ key: 'sso' }, { key: 'video' }]);
    expect((await api.call('GET', '/v1/features/video')).body).toEqual(made.body);
    expect(await api.call('GET', '/v1/features/video', undefined, 'two')).toMatchObject({ status: 404, body: { code: 'feature.unknown' } }); // prettier-ignore
    const archived = await api.call('POST', '/v1/features/sso/archive');
    expect(archived).toMatchObject({ status: 200, body: { archivedAt: expect.any(String) } });
    expect((await api.call('POST', '/v1/features/sso/archive')).body).toEqual(archived.body);
    expect((await create(video)).body).toMatchObject({ code: 'feature.key_taken', errors: [{ path: 'key' }] });
    expect((await create({ key: 'x', name: 'X' }, 'reader')).status).toBe(403);
  });

  test('count by a live meter and its dimensions only', async () => {
    await api.call('POST', '/v1/meters/gone/archive');
    const refused = async (body: object) => faultPaths(await create({ key: 'x', name: 'X', ...body }));
    expect(await refused({ meter: 'none' })).toEqual(['meter']);
    expect(await refused({ filter: { media: 'video' } })).toEqual(['filter']);
    expect(await refused({ meter: 'gone', filter: { room: 'a', media: 'b', hall: ['c'] } })).toEqual([
      'meter',
      'filter.room',
      'filter.hall',
    ]);
  });
});

describe('the features of a plan', () => {
  const metered = { type: 'metered', limit: '100', period: 'day', warnAtPercent: [80] };

  test('are kept with each version as they were given', async () => {
    const features = [
      { feature: 'video', entitlement: metered },
      { feature: 'seats', entitlement: { type: 'static', value: '{"seats":5}' } },
    ];
    await create({ key: 'seats', name: 'Seats' });
    expect(await plan('pro', features)).toMatchObject({ status: 201, body: { version: 1, features } });
    const next = { rateCards: [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '2.00' } }] };
    expect((await api.call('POST', '/v1/plans/pro/versions', next)).body).toMatchObject({ version: 2, features: [] });
    expect((await api.call('GET', '/v1/plans/pro/versions')).body['items']).toMatchObject([{ features }, { features: [] }]);
  });

  test('of an add-on stand beside those of the plan, and name a flat fee of it', async () => {
    const features = [
      { feature: 'video', entitlement: metered },
      { feature: 'video', entitlement: metered, addOn: 'fee' },
    ];
    expect(await plan('modular', features)).toMatchObject({ status: 201, body: { features } });
    const twice = await plan('twice', [features[1] ?? {}, features[1] ?? {}]);
    expect(twice.body['errors']).toMatchObject([
      { path: 'features[1].feature', message: '"video" is named twice for add-on "fee"' },
    ]);
    const unknown = await plan('unknown', [{ feature: 'video', entitlement: metered, addOn: 'packs' }]);
    expect(unknown.body).toMatchObject({ code: 'plan.feature_invalid', errors: [{ path: 'features[0].addOn' }] });
  });

  test('are refused, all at once, where a feature is unknown, archived, named twice or has nothing to count', async () => {
    await create({ key: 'audio', name: 'Audio', meter: 'minutes' });
    await api.call('POST', '/v1/features/audio/archive');
    const refused = await plan('bad', [
      { feature: 'none', entitlement: { type: 'boolean' } },
      { feature: 'audio', entitlement: { type: 'boolean' } },
      { feature: 'seats', entitlement: metered },
      { feature: 'video', entitlement: metered },
    ]);
    expect(refused.body['code']).toBe('plan.feature_invalid');
    expect(faultPaths(refused)).toEqual(['features[0].feature', 'features[1].feature', 'features[2].feature']);
    const twice = { feature: 'video', entitlement: { type: 'boolean' } };
    expect(faultPaths(await plan('bad', [twice, { ...twice, entitlement: { type: 'static', value: '{' } }, twice]))).toEqual(
      expect.arrayContaining(['features[1].entitlement.value']),
    );
    expect(faultPaths(await plan('bad', [twice, twice]))).toEqual(['features[1].feature']);
  });

  test('cannot count what an archived meter no longer does', async () => {
    await api.call('POST', '/v1/meters', { key: 'fading', eventType: 'f', aggregation: 'count' });
    await create({ key: 'fax', name: 'Fax', meter: 'fading' });
    await api.call('POST', '/v1/meters/fading/archive');
    const refused = await plan('bad', [{ feature: 'fax', entitlement: metered }]);
    expect(refused.body['errors']).toMatchObject([{ path: 'features[0].feature', message: expect.stringContaining('fading') }]);
  });
});
