import type { Database } from '@meterline/pipeline/ports';
import { describe, expect, it } from 'vitest';
import { testClock } from '../clock/index.ts';
import { apiKeyAuthenticator, generateApiKey, parseApiKey } from './index.ts';

const START = '2026-01-01T00:00:00Z';

function setup(row: { expires_at?: string; revoked_at?: string } = {}) {
  const key = generateApiKey('live');
  let queries = 0;
  let failing = false;
  const stored = { tenant: 't1', secret_hash: key.secretHash, scopes: ['read'], expires_at: null, revoked_at: null, ...row };
  const database: Database = {
    async query<Row extends object>(_sql: string, params?: readonly unknown[]) {
      queries += 1;
      if (failing) throw new Error('down');
      return (params?.[0] === key.id ? [stored] : []) as Row[];
    },
    transaction: () => Promise.reject(new Error('unused')),
    close: async () => {},
  };
  const clock = testClock(START);
  return {
    key,
    clock,
    authenticate: apiKeyAuthenticator({ database, clock, serverClock: clock }),
    queries: () => queries,
    fail: (on: boolean) => (failing = on),
  };
}

describe('API keys', () => {
  it('have the form mk_<env>_<id>_<secret> and never repeat', () => {
    const { token, id } = generateApiKey('test');
    expect(parseApiKey(token)).toMatchObject({ env: 'test', id });
    expect(generateApiKey('test').token).not.toBe(token);
  });

  it.each(['', 'mk_', 'mk_live_x', 'mk_live_id_short', `mk_live_id_${'x'.repeat(300)}`])('refuse the form %j', (token) => {
    expect(parseApiKey(token)).toBeUndefined();
  });

  it('may be preset as any 16 to 256 visible characters that do not begin with mk_: the id is derived, the secret is all of it', () => {
    for (const token of ['sk_live_id_0123456789', 'x'.repeat(16), '~'.repeat(256)]) {
      const key = parseApiKey(token);
      expect(key).toEqual({ env: 'preset', id: expect.stringMatching(/^preset[0-9a-f]{32}$/), secret: token });
      expect(parseApiKey(token)).toEqual(key);
      expect(parseApiKey(`${token.slice(1)}?`)?.id).not.toBe(key?.id);
    }
  });

  it.each(['x'.repeat(15), 'x'.repeat(257), 'with a space 0123456789', 'ünvisible_0123456789', 'mk_with_a_wrong_form!'])(
    'may not be preset as %j',
    (token) => expect(parseApiKey(token)).toBeUndefined(),
  );

  it('name their tenant and scopes', async () => {
    const { authenticate, key } = setup();
    expect(await authenticate(key.token)).toEqual({ tenant: 't1', keyId: key.id, scopes: new Set(['read']) });
  });

  it('are unknown with a wrong secret or id', async () => {
    const { authenticate, key } = setup();
    expect(await authenticate(`${key.token}x`)).toBeUndefined();
    expect(await authenticate('mk_live_other_0123456789')).toBeUndefined();
  });

  it('say that they expired or were revoked, but only to who has the secret', async () => {
    const expired = setup({ expires_at: '2025-12-31T23:59:59.000Z' });
    await expect(expired.authenticate(expired.key.token)).rejects.toMatchObject({ code: 'auth.expired_key' });
    const revoked = setup({ revoked_at: START });
    await expect(revoked.authenticate(revoked.key.token)).rejects.toMatchObject({ code: 'auth.revoked_key' });
    expect(await revoked.authenticate(`${revoked.key.token}x`)).toBeUndefined();
  });

  it('are looked up once in a few seconds', async () => {
    const { authenticate, key, clock, queries } = setup();
    await Promise.all([authenticate(key.token), authenticate(key.token)]);
    await authenticate(key.token);
    expect(queries()).toBe(1);
    clock.moveTo(clock.nowMs() + 3_000);
    await authenticate(key.token);
    expect(queries()).toBe(2);
  });

  it('work again as soon as the database does', async () => {
    const { authenticate, key, fail } = setup();
    fail(true);
    await expect(authenticate(key.token)).rejects.toThrow('down');
    fail(false);
    expect(await authenticate(key.token)).toBeDefined();
  });
});
