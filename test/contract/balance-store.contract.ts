import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BalanceStore } from '@meterline/pipeline/ports';

let tenants = 0;

/** What every store of balances promises: `open` answers one, and another that shares its entries where processes can. */
export function balanceStoreContract(
  name: string,
  open: () => Promise<{ one: BalanceStore; other: BalanceStore; close(): unknown }>,
): void {
  describe(`balances in ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let one: BalanceStore;
    let other: BalanceStore;
    let tenant: string;
    beforeAll(async () => {
      opened = await open();
      ({ one, other } = opened);
    });
    afterAll(() => opened.close());
    beforeEach(() => (tenant = `tenant-${(tenants += 1)}`));

    const worksOut = (text: string, until?: Promise<void>) => async () => {
      await until;
      return { entries: new Map([['acme', text]]), text };
    };
    const keep = (store: BalanceStore, text: string, until?: Promise<void>) =>
      store.keep(worksOut(text, until), ['acme'], tenant);

    test('what was worked out is read, by everyone who shares it, until it is worked out again', async () => {
      expect(await one.read('acme', tenant)).toBeUndefined();
      expect(await keep(one, 'first')).toMatchObject({ text: 'first' });
      expect([await one.read('acme', tenant), await other.read('acme', tenant)]).toEqual(['first', 'first']);
      await keep(other, 'second');
      expect(await one.read('acme', tenant)).toBe('second');
    });

    test('a work that began before another never replaces what that one found, whoever ends first', async () => {
      const slow = Promise.withResolvers<void>();
      const began = Promise.withResolvers<void>();
      const older = one.keep(
        async () => {
          began.resolve();
          return worksOut('read before the change', slow.promise)();
        },
        ['acme'],
        tenant,
      );
      await began.promise;
      await keep(other, 'read after the change');
      slow.resolve();
      expect(await older).toMatchObject({ text: 'read before the change' });
      expect(await one.read('acme', tenant)).toBe('read after the change');
    });

    test('works that overlap in any way leave what the last to begin found', async () => {
      // Each work begins, and ends after so many others have ended.
      const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
      const property = fc.asyncProperty(orders, fc.infiniteStream(fc.boolean()), async (order, stores) => {
        tenant = `tenant-${(tenants += 1)}`;
        const ends = order.map(() => Promise.withResolvers<void>());
        const works: Promise<unknown>[] = [];
        for (const [index, end] of ends.entries()) {
          const begun = Promise.withResolvers<void>();
          const store = stores.next().value ? one : other;
          const work = async () => {
            begun.resolve();
            return worksOut(String(index), end.promise)();
          };
          works.push(store.keep(work, ['acme'], tenant));
          await begun.promise;
        }
        for (const index of order) {
          ends[index]?.resolve();
          await works[index];
        }
        expect(await one.read('acme', tenant)).toBe('3');
      });
      await fc.assert(property, { numRuns: 20 });
    });

    test('a work that fails fails its caller with its own reason, and leaves what was kept', async () => {
      await keep(one, 'kept');
      const failing = () => Promise.reject(new Error('no usage store'));
      await expect(one.keep(failing, ['acme'], tenant)).rejects.toThrow('no usage store');
      expect(await one.read('acme', tenant)).toBe('kept');
    });

    test('a customer that the work found nothing about is left as it was', async () => {
      await keep(one, 'kept');
      await one.keep(async () => ({ entries: new Map<string, string>() }), ['acme', 'nobody'], tenant);
      expect([await one.read('acme', tenant), await one.read('nobody', tenant)]).toEqual(['kept', undefined]);
    });

    test('a thousand customers at once are kept, each with its own', async () => {
      const customers = Array.from({ length: 1000 }, (_, index) => `c"${index}*`);
      const entries = new Map(customers.map((customer) => [customer, `of ${customer}`]));
      await one.keep(async () => ({ entries }), customers, tenant);
      for (const customer of [0, 199, 200, 999].map((index) => customers[index] ?? ''))
        expect(await other.read(customer, tenant)).toBe(`of ${customer}`);
    });

    test('clearing forgets what is kept of the tenant alone, and what is kept later is read again', async () => {
      await keep(one, 'mine');
      for (const odd of ['*', `${tenant}"`, '[a]', '\\'])
        await other.keep(async () => ({ entries: new Map([['acme', odd]]) }), ['acme'], odd);
      expect(await one.clear(tenant)).toBe(1);
      expect([await one.read('acme', tenant), await other.read('acme', tenant)]).toEqual([undefined, undefined]);
      expect(await one.read('acme', '*')).toBe('*');
      expect(await one.clear('*')).toBe(1);
      expect(await one.read('acme', '[a]')).toBe('[a]');
      expect([await one.clear('[a]'), await one.clear('\\'), await one.clear(`${tenant}"`)]).toEqual([1, 1, 1]);
      await keep(one, 'again');
      expect(await other.read('acme', tenant)).toBe('again');
    });
  });
}
