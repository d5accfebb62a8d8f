import { describe, expect, test } from 'vitest';
import type { StageRecord } from '../ports/index.ts';
import { anchorsOf } from './anchors.ts';
import { trialNotices } from './notices.ts';

const DAY_MS = 86_400_000;
const phase = (key: string, untilDay: number) => ({
  key,
  untilMs: untilDay * DAY_MS,
  remindsAtMs: key === 'trial' ? (untilDay - 3) * DAY_MS : null,
});
const stage = (from: number, until: number | null, more: Partial<StageRecord> = {}): StageRecord => ({
  ...{ fromMs: from * DAY_MS, untilMs: until === null ? null : until * DAY_MS, endsAtMs: null },
  ...{ plan: 'pro', planVersion: 1, commitment: null, phase: null, quantities: {} },
  ...{ paused: false, paysWhole: false, anew: false, changeFees: [], change: 'c1' },
  ...more,
});
const onTrial = (from: number, until: number | null, ends = 15) => stage(from, until, { phase: phase('trial', ends) });
const told = (stages: readonly StageRecord[], endsAtMs: number | null = null) =>
  trialNotices({ stages, endsAtMs }).map(({ kind, dueMs, outcome }) => `${kind} ${dueMs / DAY_MS} ${outcome ?? ''}`.trim());

describe('what is to be told of trials', () => {
  test('a reminder before the end and the end itself, with what becomes of the subscription', () => {
    expect(told([onTrial(1, 15), stage(15, null)])).toEqual(['will_end 12', 'ended 15 converted']);
    expect(told([onTrial(1, 15), stage(15, null, { plan: 'free' })])).toEqual(['will_end 12', 'ended 15 moved']);
    const endMs = 15 * DAY_MS - 1;
    expect(trialNotices({ stages: [onTrial(1, 15)], endsAtMs: endMs })).toEqual([
      { kind: 'will_end', trialUntilMs: 15 * DAY_MS, dueMs: 12 * DAY_MS, outcome: null },
      { kind: 'ended', trialUntilMs: 15 * DAY_MS, dueMs: endMs, outcome: 'expired' },
    ]);
  });

  test('of a trial that is cancelled or left for another plan, its end then', () => {
    expect(told([onTrial(1, null)], 8 * DAY_MS)).toEqual(['ended 8 cancelled']);
    expect(told([onTrial(1, 15), stage(15, null)], 8 * DAY_MS)).toEqual(['ended 8 cancelled']);
    expect(told([onTrial(1, 6), stage(6, null, { plan: 'max' })])).toEqual(['ended 6 moved']);
  });

  test('one trial in parts is told of once, and two trials are two', () => {
    expect(told([onTrial(1, 5), { ...onTrial(5, 15), quantities: { seats: '2' } }, stage(15, null)])).toEqual([
      'will_end 12',
      'ended 15 converted',
    ]);
    const other = stage(20, 30, { plan: 'max', phase: phase('trial', 30) });
    expect(told([onTrial(1, 15), stage(15, 20), other, stage(30, null, { plan: 'max' })])).toHaveLength(4);
    expect(told([stage(1, null, { phase: phase('intro', 9) })])).toEqual([]);
  });
});

describe('where billing periods are counted from', () => {
  test('from the start, and behind a trial from its first day', () => {
    const anchors = (...stages: StageRecord[]) => anchorsOf(DAY_MS, stages).map((ms) => ms / DAY_MS);
    expect(anchors(stage(1, 5), stage(5, null, { plan: 'max' }))).toEqual([1, 1]);
    expect(anchors(onTrial(1, 5), onTrial(5, 15), stage(15, 45, { phase: phase('intro', 45) }), stage(45, null))).toEqual([
      1, 1, 15, 15,
    ]);
    expect(anchors(onTrial(1, 8), stage(8, null, { plan: 'free' }))).toEqual([1, 8]);
  });
});
