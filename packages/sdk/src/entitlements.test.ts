import { afterEach, describe, expect, test } from 'vitest';
import { Meterline } from './index.ts';
import { start, stopAll } from './test-client.ts';
import type { Answer } from './test-server.ts';

afterEach(stopAll);

const entitled = (more: object = {}): Answer => ({
  status: 200,
  body: { feature: 'video', hasAccess: true, type: 'metered', limit: '100', used: '20', balance: '80', overage: '0', ...more },
});

describe('a check', () => {
  test("asks for the customer's feature with the key, and hands on what the server says", async () => {
    const { client, server, errors } = await start(() => entitled());
    const check = await client.checkEntitlement('acme/eu', 'video calls');
    expect(check).toMatchObject({ hasAccess: true, decidedBy: 'server', entitlement: { limit: '100', balance: '80' } });
    expect(server.requests[0]?.path).toBe('/v1/customers/acme%2Feu/entitlements/video%20calls');
    expect(server.requests[0]?.headers.authorization).toBe('Bearer mk_test_1_secret');
    expect(errors).toEqual([]);
  });

  test("says no when the server does, whatever the policy: it is the server's answer that counts", async () => {
    const { client } = await start(() => entitled({ hasAccess: false, balance: '0' }));
    const check = await client.checkEntitlement('acme', 'video', { whenUnavailable: 'allow' });
    expect(check).toMatchObject({ hasAccess: false, decidedBy: 'server', entitlement: { balance: '0' } });
  });

  test('uses an answer again until it is too old, of each customer and feature its own', async () => {
    let nowMs = 1_000_000;
    const { client, server } = await start((_events, index) => entitled({ used: String(index) }), { now: () => nowMs });
    const used = async (customer: string, feature: string) =>
      (await client.checkEntitlement(customer, feature)).entitlement?.used;
    expect([await used('acme', 'video'), await used('acme', 'audio'), await used('beta', 'video')]).toEqual(['0', '1', '2']);
    nowMs += 4_999;
    expect(await used('acme', 'video')).toBe('0');
    nowMs += 1;
    expect(await used('acme', 'video')).toBe('3');
    expect(server.requests).toHaveLength(4);
  });

  test('shares one request among all who ask at the same time', async () => {
    const { client, server } = await start(() => entitled());
    const checks = await Promise.all(Array.from({ length: 50 }, () => client.checkEntitlement('acme', 'video')));
    expect(checks.every(({ decidedBy }) => decidedBy === 'server')).toBe(true);
    expect(server.requests).toHaveLength(1);
  });
});

describe('when the server cannot be asked', () => {
  const failures: [string, Answer, string][] = [
    ['it answers 503', { status: 503 }, 'unavailable'],
    ['it answers 429', { status: 429 }, 'unavailable'],
    ['it does not answer', 'hang', 'unavailable'],
    ['the key is refused', { status: 403 }, 'unauthorized'],
    ['it knows no such feature', { status: 404, body: { code: 'feature.unknown' } }, 'check_refused'],
    ['something else answers', { status: 200, body: '<html>' }, 'answer_invalid'],
  ];
  test.each(failures)(
    'because %s, access is open unless the caller says otherwise, and onError hears why',
    async (_why, answer, code) => {
      const { client, errors } = await start(() => answer, { entitlementTimeoutMs: 50 });
      expect(await client.checkEntitlement('acme', 'video')).toEqual({ hasAccess: true, decidedBy: 'policy' });
      expect(await client.checkEntitlement('acme', 'video', { whenUnavailable: 'deny' })).toEqual({
        hasAccess: false,
        decidedBy: 'policy',
      });
      expect(errors.map((error) => error.code)).toEqual([code]);
    },
  );

  test('because nobody listens, a client that denies denies, but for the call that allows', async () => {
    const { client, server } = await start(() => entitled(), { whenUnavailable: 'deny' });
    await server.stop();
    expect(await client.checkEntitlement('acme', 'video')).toEqual({ hasAccess: false, decidedBy: 'policy' });
    const allowing = await client.checkEntitlement('acme', 'video', { whenUnavailable: 'allow' });
    expect(allowing).toEqual({ hasAccess: true, decidedBy: 'policy' });
  });

  test('nobody waits for it a second time until a while has passed, fresh answers go on counting, and then it is asked again', async () => {
    let nowMs = 1_000_000;
    let answer: Answer = entitled({ hasAccess: false });
    const { client, server } = await start(() => answer, { now: () => nowMs, entitlementTimeoutMs: 50 });
    expect(await client.checkEntitlement('acme', 'video')).toMatchObject({ hasAccess: false });
    nowMs += 2_000;
    answer = 'hang';
    expect(await client.checkEntitlement('beta', 'video')).toMatchObject({ decidedBy: 'policy' });
    for (const customer of ['gamma', 'delta', 'epsilon'])
      expect(await client.checkEntitlement(customer, 'video')).toMatchObject({ decidedBy: 'policy' });
    expect(await client.checkEntitlement('acme', 'video')).toMatchObject({ hasAccess: false, decidedBy: 'server' });
    expect(server.requests).toHaveLength(2);
    nowMs += 6_000;
    answer = entitled();
    expect(await client.checkEntitlement('beta', 'video')).toMatchObject({ hasAccess: true, decidedBy: 'server' });
  });
});

test('the policy and the times are checked when the client is made', () => {
  const options = { url: 'http://127.0.0.1:1', apiKey: 'k' };
  for (const wrong of [{ whenUnavailable: 'maybe' as 'allow' }, { entitlementTimeoutMs: 0 }, { entitlementCacheMs: -1 }])
    expect(() => new Meterline({ ...options, ...wrong })).toThrow(Object.keys(wrong)[0]);
});
