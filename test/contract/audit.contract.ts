import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { auditTrail, catalogStores, postgresMoveStore, webhookEndpointStore } from '@meterline/backends/postgres';
import { actingAs } from '@meterline/pipeline/audit';
import { sqlState, type AuditRecord, type Database } from '@meterline/pipeline/ports';

const NOW_MS = Date.parse('2026-11-22T00:00:00Z');
const MINUTE_MS = 60_000;

/**
 * Tables of the billing store that hold nothing anybody set: not audited, and why. A table that is neither here nor audited fails the test
 * below: give it its trigger in a migration (the end of 0016_audit.sql shows how), or say here why its changes are nobody's decision.
 */
const NOT_AUDITED: Readonly<Record<string, string>> = {
  idempotency_key: 'answers kept for a day',
  alert_occurrence: 'what rating found',
  entitlement_occurrence: 'what rating found',
  webhook_message: 'what happened, to be told',
  webhook_delivery: 'how telling it goes on',
  invoice: 'what billing came to; never changes',
  invoice_run: 'work under way',
  plan_move_step: 'work under way: each change that it makes has its record',
  invoice_counter: 'numbers given so far',
  rating_wakeup: 'work under way',
  sandbox_removal: 'follows from the removal of a sandbox, which has its record',
  trial_notice: 'follows from the stages of subscriptions',
  audit_record: 'the trail itself',
};

const author = (keyId: string, requestId = 'req_1', nowMs = NOW_MS) => ({ keyId, requestId, clock: { nowMs: () => nowMs } });

/** What the audit trail promises on every billing store; `open` answers one with the schema applied. */
export function auditContract(name: string, open: () => Promise<Database>): void {
  describe(`the audit trail on ${name}`, () => {
    let database: Database;
    let tenants = 0;
    let tenant = '';
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.close());
    beforeEach(async () => {
      tenant = `t${(tenants += 1)}`;
      await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
    });

    const draft = (key: string, subjects: readonly string[] = []) =>
      ({ key, name: key, currency: 'USD', timezone: 'UTC', subjects }) as const;
    const addCustomer = (key: string, subjects?: readonly string[]) =>
      catalogStores(database).customers.insert(draft(key, subjects), NOW_MS, tenant);
    /** Ids of keys are unique among all tenants. */
    const keyId = () => `${tenant}-key`;
    const addKey = () =>
      catalogStores(database).apiKeys.insert(
        { id: keyId(), name: 'Anna', scopes: ['admin'], expiresAtMs: null },
        new Uint8Array(32).fill(7),
        NOW_MS,
        tenant,
      );
    /** Oldest first. */
    const records = async (query: object = {}): Promise<AuditRecord[]> =>
      [...(await auditTrail(database).page({ after: null, limit: 1000, ...query }, tenant)).items].toReversed();

    test('a record says who, when, by which request, what, before and after', async () => {
      await addKey();
      await actingAs(author(keyId(), 'req_7', NOW_MS + MINUTE_MS), () => addCustomer('acme', ['b', 'a']));
      await actingAs(author(keyId(), 'req_8', NOW_MS + 2 * MINUTE_MS), () =>
        catalogStores(database).customers.update('acme', { name: 'Acme Inc.', subjects: ['b', 'c'] }, tenant),
      );
      const made = { currency: 'USD', timezone: 'UTC', paymentMethod: null, createdAt: '2026-11-22T00:00:00Z', key: 'acme' };
      const before = { ...made, name: 'acme', subjects: ['a', 'b'] };
      const actor = { keyId: keyId(), name: 'Anna' };
      const same = { id: expect.any(String) as string, actor, type: 'customer', object: 'acme' };
      expect((await records({ type: 'customer' })) as unknown).toEqual([
        { ...same, atMs: NOW_MS + MINUTE_MS, requestId: 'req_7', action: 'create', before: null, after: before },
        {
          ...same,
          atMs: NOW_MS + 2 * MINUTE_MS,
          requestId: 'req_8',
          action: 'update',
          before,
          after: { ...made, name: 'Acme Inc.', subjects: ['b', 'c'] },
        },
      ]);
    });

    test('what nobody asked for is recorded as done by the system, at the time of its clock', async () => {
      const beganMs = Date.now();
      await addCustomer('acme');
      expect(await records()).toMatchObject([{ actor: null, requestId: null, action: 'create' }]);
      await database.query('insert into test_clock (shift_ms) values ($1)', [3_600_000]);
      await addCustomer('globex');
      await database.query('delete from test_clock');
      const [real, shifted] = await records();
      expect(Math.abs((real?.atMs ?? 0) - beganMs)).toBeLessThan(MINUTE_MS);
      expect(Math.abs((shifted?.atMs ?? 0) - beganMs - 3_600_000)).toBeLessThan(MINUTE_MS);
    });

    test('where a record cannot be written its change does not happen', async () => {
      await addCustomer('acme');
      const unwritable = { keyId: 'k', requestId: 'r', clock: { nowMs: () => NOW_MS } };
      await database.query(`alter table audit_record add constraint refused check (request_id <> 'r')`);
      const attempt = actingAs(unwritable, () => catalogStores(database).customers.update('acme', { name: 'Other' }, tenant));
      await expect(attempt).rejects.toSatisfy((error) => sqlState(error) === '23514');
      await database.query('alter table audit_record drop constraint refused');
      expect((await catalogStores(database).customers.byKey('acme', tenant))?.name).toBe('acme');
      expect(await records()).toHaveLength(1);
    });

    test('where a change does not happen there is no record of it', async () => {
      await addCustomer('acme', ['a']);
      const { customers, apiKeys } = catalogStores(database);
      await addKey();
      await apiKeys.revoke(keyId(), NOW_MS, tenant);
      const before = await records();
      expect(await addCustomer('globex', ['a'])).toMatchObject({ refused: 'subjects_taken' });
      expect(await addCustomer('acme')).toMatchObject({ refused: 'key_taken' });
      await customers.update('acme', { name: 'acme', subjects: ['a'] }, tenant);
      await apiKeys.revoke(keyId(), NOW_MS + 1, tenant);
      const torn = database.transaction(async (tx) => {
        await tx.query(`update customer set name = 'Torn' where tenant = $1`, [tenant]);
        throw new Error('changed my mind');
      });
      await expect(torn).rejects.toThrow('changed my mind');
      expect(await records()).toEqual(before);
    });

    test('a change made past all stores, by plain SQL, is recorded too', async () => {
      await addCustomer('acme');
      await database.query(`update customer set timezone = 'Asia/Tokyo' where tenant = $1`, [tenant]);
      expect((await records()).at(-1)).toMatchObject({
        action: 'update',
        before: { timezone: 'UTC' },
        after: { timezone: 'Asia/Tokyo' },
      });
      await database.query('delete from customer where tenant = $1', [tenant]);
      expect((await records()).at(-1)).toMatchObject({ action: 'delete', before: { timezone: 'Asia/Tokyo' }, after: null });
    });

    test('no secret is in a record, but that it was replaced is', async () => {
      await addKey();
      const endpoints = webhookEndpointStore(database);
      const made = await endpoints.insert({ url: 'https://a.example/', events: [], secret: 'whsec_first' }, NOW_MS, tenant);
      await endpoints.rotateSecret(made.id, 'whsec_second', NOW_MS + MINUTE_MS, tenant);
      await database.query(`update api_key set secret_hash = '\\x08' where tenant = $1`, [tenant]);
      await endpoints.remove(made.id, NOW_MS, tenant);
      const text = JSON.stringify(await records());
      expect(text).not.toMatch(/whsec|0707|\\\\x/);
      const hidden = expect.stringMatching(/^hidden:[0-9a-f]{8}$/) as string;
      const [, created, rotated, replaced, removed] = await records();
      expect(created).toMatchObject({ after: { secret: hidden, previousSecret: null } });
      expect(rotated?.after).toMatchObject({
        previousSecret: created?.after?.['secret'],
        previousSecretUntil: '2026-11-22T00:01:00Z',
      });
      expect(replaced).toMatchObject({ type: 'api_key', action: 'update' });
      expect(removed?.after).toMatchObject({ secret: null, previousSecret: null, removedAt: '2026-11-22T00:00:00Z' });
    });

    test('the trail is never changed, shortened or emptied', async () => {
      await addCustomer('acme');
      const before = await records();
      for (const statement of [
        `update audit_record set actor_key = 'someone else'`,
        'delete from audit_record',
        'truncate audit_record',
      ]) {
        await expect(database.query(statement)).rejects.toSatisfy((error) => sqlState(error) === 'ML003', statement);
      }
      expect(await records()).toEqual(before);
    });

    test('pages newest first, filtered by type, object, actor and half-open time, and only of its tenant', async () => {
      await addKey();
      for (const [minute, key] of ['a', 'b', 'c', 'd'].entries()) {
        await actingAs(author(keyId(), 'r', NOW_MS + minute * MINUTE_MS), () => addCustomer(key));
      }
      const objects = async (query: object) => (await records(query)).map(({ object }) => object);
      expect(await objects({ type: 'customer' })).toEqual(['a', 'b', 'c', 'd']);
      expect(await objects({ object: 'b' })).toEqual(['b']);
      expect(await objects({ actor: 'system' })).toEqual([keyId()]);
      expect(await objects({ actor: keyId(), fromMs: NOW_MS + MINUTE_MS, toMs: NOW_MS + 3 * MINUTE_MS })).toEqual(['b', 'c']);
      const first = await auditTrail(database).page({ after: null, limit: 2, type: 'customer' }, tenant);
      expect(first.items.map(({ object }) => object)).toEqual(['d', 'c']);
      const second = await auditTrail(database).page({ after: first.nextAfter, limit: 2, type: 'customer' }, tenant);
      expect(second.items.map(({ object }) => object)).toEqual(['b', 'a']);
      expect(second.nextAfter).toBeNull();
      expect((await auditTrail(database).page({ after: null, limit: 9 }, 'another')).items).toEqual([]);
    });

    test('every table of a tenant is audited, or is nothing that anybody set', async () => {
      const tables = await database.query<{ name: string; audited: boolean }>(
        `select c.relname as name, exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'audited') as audited
         from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1`,
      );
      const forgotten = tables.filter((table) => !table.audited && !(table.name in NOT_AUDITED));
      expect(forgotten.map((table) => table.name)).toEqual([]);
      const both = tables.filter((table) => table.audited && table.name in NOT_AUDITED);
      expect(both.map((table) => table.name)).toEqual([]);
    });

    test('whatever transactions do, kept or not: the records of an object are a chain from nothing to what it is', async () => {
      const { customers } = catalogStores(database);
      const key = fc.constantFrom('a', 'b');
      const subjects = fc.uniqueArray(fc.constantFrom('s1', 's2', 's3', 's4'), { maxLength: 3 });
      const step = fc.oneof(
        fc.record({ kind: fc.constant('insert' as const), key, subjects }),
        fc.record({ kind: fc.constant('update' as const), key, subjects, name: fc.constantFrom('x', 'y') }),
        fc.record({
          kind: fc.constant('sql' as const),
          key,
          keep: fc.boolean(),
          names: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 }),
        }),
        fc.record({ kind: fc.constant('remove' as const), key, keep: fc.boolean() }),
      );
      type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
      const run = async (one: Step, of: string) => {
        if (one.kind === 'insert') return customers.insert(draft(one.key, one.subjects), NOW_MS, of);
        if (one.kind === 'update') return customers.update(one.key, { name: one.name, subjects: one.subjects }, of);
        return database
          .transaction(async (tx) => {
            const statements =
              one.kind === 'sql'
                ? one.names.map((given) => `update customer set name = '${given}'`)
                : ['delete from customer_subject', 'delete from customer'];
            const keyOf = (statement: string) => (statement.includes('_subject') ? 'customer' : 'key');
            for (const sql of statements) await tx.query(`${sql} where tenant = $1 and ${keyOf(sql)} = $2`, [of, one.key]);
            if (!one.keep) throw new Error('not kept');
          })
          .catch((error: unknown) => expect(String(error)).toContain('not kept'));
      };
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          tenant = `t${(tenants += 1)}`;
          await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
          for (const one of steps) await run(one, tenant);
          for (const object of ['a', 'b']) {
            const chain = await records({ object });
            let last: unknown = null;
            for (const { before, after } of chain) {
              expect(before).toEqual(last);
              expect(after).not.toEqual(before);
              last = after;
            }
            const now = await customers.byKey(object, tenant);
            if (now === undefined) expect(last).toBeNull();
            else expect(last).toMatchObject({ name: now.name, subjects: now.subjects });
          }
          expect(await database.query('select from audit_note')).toEqual([]);
        }),
        { numRuns: 40 },
      );
    });

    test('a data folder that is moved in brings its own records: nothing is recorded twice, nor as done here', async () => {
      const target = await open();
      await target.query(`insert into tenant (id, name, created_at) values ('m', 'm', now())`);
      await catalogStores(target).customers.insert(draft('before'), NOW_MS, 'm');
      await target.query('delete from customer');
      await target.query('delete from rating_wakeup');
      await postgresMoveStore(target).begin({ sourceLogId: 'old', logId: 'new' }, 1);
      expect(await target.query('select from audit_record')).toEqual([]);
      await target.query(`insert into tenant (id, name, created_at) values ('m', 'm', now())`);
      await catalogStores(target).customers.insert(draft('moved'), NOW_MS, 'm');
      expect(await target.query('select from audit_record')).toEqual([]);
      await target.close();
    });
  });
}
