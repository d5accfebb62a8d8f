import type { BalanceStore } from '@meterline/pipeline/ports';

interface Kept {
  readonly text: string;
  /** Of the work that found it: a later one has seen at least as much. */
  readonly ticket: number;
}

/** Balances in the process, for where there is only one. The entries written longest ago make room for new ones. */
export function memoryBalanceStore({ entriesMax = 100_000 }: { readonly entriesMax?: number } = {}): BalanceStore {
  const kept = new Map<string, Kept>();
  const keyOf = (customer: string, tenant: string): string => JSON.stringify([tenant, customer]);
  let tickets = 0;

  return {
    read: async (customer, tenant) => kept.get(keyOf(customer, tenant))?.text,

    async keep(work, customers, tenant) {
      const ticket = (tickets += 1);
      const found = await work();
      for (const customer of customers) {
        const text = found.entries.get(customer);
        const key = keyOf(customer, tenant);
        if (text === undefined || (kept.get(key)?.ticket ?? 0) > ticket) continue;
        kept.delete(key);
        kept.set(key, { text, ticket });
      }
      for (const key of kept.keys()) {
        if (kept.size <= entriesMax) break;
        kept.delete(key);
      }
      return found;
    },

    async clear(tenant) {
      const keys = [...kept.keys()].filter((key) => (JSON.parse(key) as string[])[0] === tenant);
      for (const key of keys) kept.delete(key);
      return keys.length;
    },
  };
}
