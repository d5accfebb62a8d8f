import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IssuedPeriod, subjectRanges } from './rated-subjects.ts';

const DAY_MS = 86_400_000;
const issued = (fromDay: number, toDay: number, cut: number, subjects: string[], subscription = 'sub'): IssuedPeriod => ({
  subscription,
  subjects,
  fromMs: fromDay * DAY_MS,
  toMs: toDay * DAY_MS,
  cut: [cut],
});

describe('subjectRanges', () => {
  it('is one range of all subjects when nothing is invoiced', () => {
    expect(subjectRanges([])).toEqual([{ from: '', to: null, rated: [] }]);
  });

  it('an invoice rates its own period, and those that ended at most 40 days before it, for the subjects it names', () => {
    const [january, february, march] = [issued(0, 31, 10, ['a']), issued(31, 59, 20, ['a', 'b']), issued(59, 90, 30, ['b'])];
    const [range, ...others] = subjectRanges([january, february, march]);
    expect(others).toEqual([]);
    const spans = (subject: string) => {
      const rated = range?.rated.find(({ subjects }) => subjects.includes(subject));
      const text = ({ fromMs, toMs, cut }: { fromMs: number; toMs: number; cut: readonly number[] }) =>
        `${fromMs / DAY_MS}-${toMs / DAY_MS} below ${cut.join()}`;
      return { invoiced: rated?.invoiced.map(text), adjusted: rated?.adjusted.map(text) };
    };
    expect(spans('a')).toEqual({ invoiced: ['0-31 below 10', '31-59 below 20'], adjusted: ['0-31 below 20'] });
    expect(spans('b')).toEqual({
      invoiced: ['31-59 below 20', '59-90 below 30'],
      adjusted: ['0-31 below 20', '0-31 below 30', '31-59 below 30'],
    });
    const [apart] = subjectRanges([january, issued(72, 90, 30, ['a'])]);
    expect(apart?.rated[0]?.adjusted).toEqual([]);
    const [stranger] = subjectRanges([january, issued(31, 59, 20, ['a'], 'another subscription')]);
    expect(stranger?.rated[0]?.adjusted).toEqual([]);
  });

  it('ranges tile the subjects in the order of their bytes, and hold each subject once, whatever their size', () => {
    const subjects = fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });
    const invoices = fc.array(fc.tuple(fc.nat(5), subjects), { maxLength: 12 });
    fc.assert(
      fc.property(invoices, fc.integer({ min: 1, max: 20 }), (list, sizeMax) => {
        const all = list.map(([month, names], index) => issued(month * 30, month * 30 + 30, index, names));
        const ranges = subjectRanges(all, sizeMax);
        expect([ranges[0]?.from, ranges.at(-1)?.to]).toEqual(['', null]);
        expect(ranges.slice(1).map(({ from }) => from)).toEqual(ranges.slice(0, -1).map(({ to }) => to));
        const found: string[] = [];
        for (const { from, to, rated } of ranges) {
          for (const subject of rated.flatMap((group) => group.subjects)) {
            found.push(subject);
            expect(Buffer.compare(Buffer.from(from), Buffer.from(subject))).toBeLessThanOrEqual(0);
            if (to !== null) expect(Buffer.compare(Buffer.from(subject), Buffer.from(to))).toBe(-1);
          }
        }
        expect(found.sort()).toEqual([...new Set(list.flatMap(([, names]) => names))].sort());
      }),
    );
  });
});
