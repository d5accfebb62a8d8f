import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PhaseDays } from '../phases/index.ts';
import type { Lapse, SubscriptionChange } from './change.ts';
import { type Timeline, timelineOf as stagesOf } from './timeline.ts';

const timelineOf = (changes: readonly SubscriptionChange[]) => stagesOf(changes, (day) => day * 1000);
const commitment = { minimumSpend: '10', every: 'period' } as const;
const terms = (plan: string) => ({ plan, planVersion: 1, commitment });
let seq = 0;
const change = (
  kind: SubscriptionChange['kind'],
  fromDay: number,
  more: Partial<SubscriptionChange> = {},
): SubscriptionChange => {
  seq += 1;
  return { id: `c${seq}`, seq, kind, fromDay, untilDay: null, ...more };
};
const phase = (key: string, untilDay: number): PhaseDays => ({ key, untilDay, remindDays: key === 'trial' ? 3 : null });
const lapse = (fromDay: number, to: string | null): Lapse => ({
  fromDay,
  terms: to === null ? null : terms(to),
  unless: 'payment_method',
});
const onTrial = (plan: string, day: number, ends: number, ...to: (string | null)[]) =>
  change(day === 10 ? 'start' : 'plan', day, {
    terms: terms(plan),
    phasing: {
      phases: [phase('trial', ends), phase('intro', ends + 10)],
      lapse: to[0] === undefined ? null : lapse(ends, to[0]),
    },
  });

const shown = ({ stages, endsAtMs }: Timeline) => [
  ...stages.map(
    (stage) => `${stage.fromDay}-${stage.untilDay ?? ''} ${stage.terms.plan}${stage.phase ? ` ${stage.phase.key}` : ''}`,
  ),
  ...(endsAtMs === null ? [] : [`ends ${endsAtMs}`]),
];

describe('the phases of a subscription', () => {
  test('follow on each other by themselves, and then the plan is as it is; a trial commits to nothing', () => {
    const timeline = timelineOf([onTrial('pro', 10, 15)]);
    expect(shown(timeline)).toEqual(['10-15 pro trial', '15-25 pro intro', '25- pro']);
    expect(timeline.stages.map((stage) => stage.terms.commitment)).toEqual([null, commitment, commitment]);
  });

  test('a trial that does not convert ends the subscription with its last day, or goes on with another plan', () => {
    expect(shown(timelineOf([onTrial('pro', 10, 15, null)]))).toEqual(['10-15 pro trial', 'ends 14999']);
    expect(shown(timelineOf([onTrial('pro', 10, 15, 'free')]))).toEqual(['10-15 pro trial', '15- free']);
  });

  test('another end of the trial moves what comes behind it, and holds as long as what it amends', () => {
    const start = change('start', 10, { terms: terms('free') });
    const plan = onTrial('pro', 12, 20, null);
    const longer = change('trial', 20, {
      amends: plan.id,
      phasing: { phases: [phase('trial', 22), phase('intro', 32)], lapse: null },
    });
    expect(shown(timelineOf([start, plan, longer]))).toEqual(['10-12 free', '12-22 pro trial', '22-32 pro intro', '32- pro']);
    expect(timelineOf([start, plan, longer]).stages.map((stage) => stage.change)).toEqual([
      start.id,
      plan.id,
      longer.id,
      longer.id,
    ]);
    expect(shown(timelineOf([start, longer]))).toEqual(['10- free']);
  });

  test('a change of plan leaves the phases, and a temporary one comes back to them, or to their end', () => {
    const to = (day: number, untilDay: number | null) => change('plan', day, { terms: terms('max'), untilDay });
    expect(shown(timelineOf([onTrial('pro', 10, 15, null), to(12, null)]))).toEqual(['10-12 pro trial', '12- max']);
    expect(shown(timelineOf([onTrial('pro', 10, 15, null), to(12, 14)]))).toEqual([
      '10-12 pro trial',
      '12-14 max',
      '14-15 pro trial',
      'ends 14999',
    ]);
    expect(shown(timelineOf([onTrial('pro', 10, 15, null), to(12, 20)]))).toEqual(['10-12 pro trial', '12-20 max', 'ends 19999']);
  });

  test('beginning again behind the end of a trial brings its own terms; an end that was asked for later does not move the first', () => {
    const again = change('resubscribe', 18, { terms: terms('pro') });
    const timeline = timelineOf([onTrial('pro', 10, 15, null), again]);
    expect(shown(timeline)).toEqual(['10-15 pro trial', '18- pro']);
    expect(timeline.stages[0]?.endsAtMs).toBe(14_999);
    const cancelled = change('cancel', 21, { endsAtMs: 20_000 });
    expect(shown(timelineOf([onTrial('pro', 10, 15, null), cancelled]))).toEqual(['10-15 pro trial', 'ends 14999']);
  });

  const day = fc.integer({ min: 10, max: 40 });
  const asked = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('plan' as const),
        day,
        length: fc.option(fc.integer({ min: 1, max: 12 })),
        to: fc.constantFrom('pro', 'max'),
        ends: fc.option(fc.integer({ min: 1, max: 9 })),
        lapses: fc.constantFrom(undefined, null, 'free'),
      }),
      fc.record({
        kind: fc.constant('trial' as const),
        of: fc.nat(9),
        ends: fc.integer({ min: 0, max: 9 }),
        lapses: fc.constantFrom(undefined, null, 'free'),
      }),
      fc.record({ kind: fc.constantFrom('cancel' as const, 'resubscribe' as const), day }),
    ),
    { maxLength: 10 },
  );
  const phasing = (from: number, ends: number | null, lapses: string | null | undefined) =>
    ends === null
      ? undefined
      : {
          phases: [phase('trial', from + ends), phase('intro', from + ends + 5)],
          lapse: lapses === undefined ? null : lapse(from + ends, lapses),
        };

  test('any changes give each day one stage and one phase at most, whatever the order in which they are told', () => {
    fc.assert(
      fc.property(asked, fc.infiniteStream(fc.nat()), (requests, shuffle) => {
        const all: SubscriptionChange[] = [onTrial('pro', 10, 15, null)];
        for (const one of requests) {
          if (one.kind === 'plan') {
            const untilDay = one.length === null ? null : one.day + one.length;
            all.push(
              change('plan', one.day, { terms: terms(one.to), untilDay, phasing: phasing(one.day, one.ends, one.lapses) }),
            );
          } else if (one.kind === 'trial') {
            const amended = all.filter((each) => each.terms)[one.of];
            if (amended === undefined) continue;
            const own = phasing(amended.fromDay, one.ends, one.lapses);
            all.push(change('trial', amended.fromDay, { amends: amended.id, phasing: own }));
          } else if (one.kind === 'cancel') all.push(change('cancel', one.day + 1, { endsAtMs: one.day * 1000 }));
          else all.push(change('resubscribe', one.day, { terms: terms('max') }));
        }
        const timeline = timelineOf(all);
        const { stages, endsAtMs } = timeline;
        const keys = new Map(all.map((each) => [each, shuffle.next().value]));
        expect(timelineOf(all.toSorted((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0)))).toEqual(timeline);
        // Day by day, without looking for boundaries.
        for (let on = 10; on <= 70; on += 1) {
          const begun = all
            .filter((one) => one.kind !== 'trial' && one.fromDay <= on && (one.untilDay === null || on < one.untilDay))
            .toSorted((a, b) => a.fromDay - b.fromDay || a.seq - b.seq);
          const agreed = begun.findLast((one) => one.terms !== undefined);
          const now = all.findLast((one) => one.amends === agreed?.id)?.phasing ?? agreed?.phasing;
          const lapsed = now?.lapse && now.lapse.fromDay <= on ? now.lapse : undefined;
          const cancelled = begun.findLast(({ kind }) => kind === 'cancel' || kind === 'resubscribe')?.kind === 'cancel';
          const isOver = cancelled || lapsed?.terms === null;
          const [stage, ...more] = stages.filter(
            ({ fromDay, untilDay }) =>
              fromDay <= on && (untilDay === null ? endsAtMs === null || on * 1000 <= endsAtMs : on < untilDay),
          );
          expect(more).toEqual([]);
          expect(stage === undefined).toBe(isOver);
          if (stage === undefined) continue;
          expect(stage.terms.plan).toBe((lapsed?.terms ?? agreed?.terms)?.plan);
          const key = lapsed ? undefined : now?.phases.find(({ untilDay }) => on < untilDay)?.key;
          expect(stage.phase?.key).toBe(key);
          expect(stage.terms.commitment === null).toBe(key === 'trial');
        }
      }),
      { numRuns: 500 },
    );
  });
});
