import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IdFilter } from './id-filter.ts';

const id = (n: number | string): string => hash('sha256', `id ${n}`, 'hex').slice(0, 32);

describe('IdFilter', () => {
  it('never calls a claimed id new, over several generations', () => {
    const filter = new IdFilter();
    for (let n = 0; n < 400_000; n += 1) filter.add(id(n), 1_000);
    const forgotten = Array.from({ length: 400_000 }, (_, n) => n).filter((n) => !filter.mayHave(id(n)));
    expect(forgotten).toEqual([]);
  });

  it('calls fewer than one new id in 5,000 perhaps claimed, with its first generation full', () => {
    const filter = new IdFilter();
    for (let n = 0; n < 1 << 18; n += 1) filter.add(id(n), 1_000);
    let alarms = 0;
    for (let n = 0; n < 200_000; n += 1) if (filter.mayHave(id(`new ${n}`))) alarms += 1;
    expect(alarms).toBeLessThan(40);
  });

  it('forgets whole generations that are older than the window, never the current one', () => {
    const filter = new IdFilter();
    for (let n = 0; n < 1 << 18; n += 1) filter.add(id(n), 1_000);
    filter.add(id('later'), 5_000);
    filter.forgetBefore(2_000);
    expect(filter.mayHave(id('later'))).toBe(true);
    expect(Array.from({ length: 1_000 }, (_, n) => filter.mayHave(id(n))).filter(Boolean).length).toBeLessThan(5);
    filter.forgetBefore(9_000);
    expect(filter.mayHave(id('later'))).toBe(true);
  });
});
