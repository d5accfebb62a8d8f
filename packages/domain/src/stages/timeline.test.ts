import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SubscriptionChange } from './change.ts';
import { type Timeline, timelineOf as stagesOf } from './timeline.ts';

const timelineOf = (changes: readonly SubscriptionChange[]) => stagesOf(changes, (day) => day * 1000);
const terms = (plan: string) => ({ plan, planVersion: 1, commitment: null });
let seq = 0;
const change = (
  kind: SubscriptionChange['kind'],
  fromDay: number,
  more: Partial<SubscriptionChange> = {},
): SubscriptionChange => {
  seq += 1;
  return { id: `c${seq}`, seq, kind, fromDay, untilDay: null, ...more };
};
const start = (day = 10) => change('start', day, { terms: terms('free') });
const plan = (day: number, to: string, untilDay: number | null = null) => change('plan', day, { terms: terms(to), untilDay });
const cancel = (lastDay: number) => change('cancel', lastDay + 1, { endsAtMs: lastDay * 1000 });

const shown = ({ stages, endsAtMs }: Timeline) => [
  ...stages.map((stage) => `${stage.fromDay}-${stage.untilDay ?? ''} ${stage.paused ? 'resting' : stage.terms.plan}`),
  ...(endsAtMs === null ? [] : [`ends ${endsAtMs}`]),
];

describe('the stages of a subscription', () => {
  test('a plan begins with its day, and a temporary one gives way to what would be without it', () => {
    expect(shown(timelineOf([start(), plan(20, 'pro')]))).toEqual(['10-20 free', '20- pro']);
    expect(shown(timelineOf([start(), plan(20, 'pro', 25)]))).toEqual(['10-20 free', '20-25 pro', '25- free']);
    expect(shown(timelineOf([start(), plan(20, 'pro', 25), plan(22, 'max')]))).toEqual(['10-20 free', '20-22 pro', '22- max']);
    expect(shown(timelineOf([start(), plan(20, 'pro', 25), plan(15, 'max')]))).toEqual([
      '10-15 free',
      '15-20 max',
      '20-25 pro',
      '25- max',
    ]);
  });

  test('what is scheduled stays when another change is made before it, and of two on one day the later made holds', () => {
    expect(shown(timelineOf([start(), plan(30, 'basic'), plan(20, 'pro')]))).toEqual(['10-20 free', '20-30 pro', '30- basic']);
    expect(shown(timelineOf([start(), plan(20, 'basic'), plan(20, 'pro')]))).toEqual(['10-20 free', '20- pro']);
  });

  test('what goes on as before is one stage, unless it begins anew in the place of another that had begun', () => {
    const back = (more: Partial<SubscriptionChange>) => change('plan', 20, { terms: terms('free'), ...more });
    expect(shown(timelineOf([start(), plan(20, 'pro'), back({})]))).toEqual(['10- free']);
    const anew = timelineOf([start(), plan(20, 'pro'), back({ anew: true })]);
    expect(shown(anew)).toEqual(['10-20 free', '20- free']);
    expect(anew.stages.map((stage) => stage.anew)).toEqual([false, true]);
  });

  test('resting ends by itself or when it is resumed', () => {
    expect(shown(timelineOf([start(), change('pause', 20, { untilDay: 25 })]))).toEqual([
      '10-20 free',
      '20-25 resting',
      '25- free',
    ]);
    expect(shown(timelineOf([start(), change('pause', 20), change('resume', 23)]))).toEqual([
      '10-20 free',
      '20-23 resting',
      '23- free',
    ]);
  });

  test('an end closes the last stage; beginning again leaves out the days between, and a start that is called off bills none', () => {
    expect(shown(timelineOf([start(), cancel(19)]))).toEqual(['10- free', 'ends 19000']);
    const again = timelineOf([start(), cancel(19), change('resubscribe', 30)]);
    expect(shown(again)).toEqual(['10-20 free', '30- free']);
    expect(again.stages.map(({ endsAtMs }) => endsAtMs)).toEqual([19_000, null]);
    expect(shown(timelineOf([start(), cancel(5)]))).toEqual(['10- free', 'ends 5000']);
    expect(shown(timelineOf([start(), plan(30, 'pro'), cancel(24)]))).toEqual(['10- free', 'ends 24000']);
  });

  const day = fc.integer({ min: 8, max: 40 });
  const changes = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('plan' as const),
        day,
        length: fc.option(fc.integer({ min: 1, max: 9 })),
        to: fc.constantFrom('free', 'pro', 'max'),
      }),
      fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'cancel' as const, 'resubscribe' as const), day }),
      fc.record({ kind: fc.constant('quantity' as const), day, seats: fc.constantFrom('1', '2', '3') }),
    ),
    { maxLength: 12 },
  );

  test('any sequence of changes gives each day one stage, that of the change which began last among those that hold', () => {
    fc.assert(
      fc.property(changes, (asked) => {
        const all = [
          start(),
          ...asked.map((one) => {
            if (one.kind === 'plan') return plan(one.day, one.to, one.length === null ? null : one.day + one.length);
            if (one.kind === 'quantity') return change('quantity', one.day, { quantities: { seats: one.seats } });
            return one.kind === 'cancel' ? cancel(one.day) : change(one.kind, one.day);
          }),
        ];
        const { stages, endsAtMs } = timelineOf(all);
        stages.forEach((stage, index) => {
          const next = stages[index + 1];
          expect(stage.untilDay ?? Infinity).toBeGreaterThan(stage.fromDay);
          if (next !== undefined) expect(next.fromDay).toBeGreaterThanOrEqual(stage.untilDay ?? Infinity);
        });
        // Day by day, without looking for boundaries.
        for (let on = 10; on <= 60; on += 1) {
          const begun = all
            .filter((one) => one.fromDay <= on && (one.untilDay === null || on < one.untilDay))
            .toSorted((a, b) => a.fromDay - b.fromDay || a.seq - b.seq);
          const isOver = begun.findLast(({ kind }) => kind === 'cancel' || kind === 'resubscribe')?.kind === 'cancel';
          const isResting = begun.findLast(({ kind }) => ['pause', 'resume', 'resubscribe'].includes(kind))?.kind === 'pause';
          const [stage, ...more] = stages.filter(
            ({ fromDay, untilDay }) =>
              fromDay <= on && (untilDay === null ? endsAtMs === null || on * 1000 <= endsAtMs : on < untilDay),
          );
          expect(more).toEqual([]);
          expect(stage === undefined).toBe(isOver);
          if (stage === undefined) continue;
          expect(stage.terms).toEqual(begun.findLast((one) => one.terms !== undefined)?.terms);
          expect(stage.paused).toBe(isResting);
          expect(stage.quantities['seats']).toBe(begun.findLast((one) => one.quantities !== undefined)?.quantities?.['seats']);
        }
      }),
      { numRuns: 500 },
    );
  });
});
