import { describe, expect, it } from 'vitest';
import { compileMeter } from './contribution.ts';
import type { Meter } from './meter.ts';

const meter = (fields: Partial<Meter>): Meter => ({
  tenant: 't',
  key: 'minutes',
  name: 'Minutes',
  eventType: 'call',
  aggregation: 'sum',
  valueProperty: '$.minutes',
  dimensions: {},
  filter: {},
  createdVersion: 1,
  archivedVersion: null,
  ...fields,
});

describe('compileMeter', () => {
  it('takes the value exactly and the dimensions in the order of their names', () => {
    const { contributionOf } = compileMeter(meter({ dimensions: { region: '$.where', media: '$.media' } }));
    expect(contributionOf({ minutes: '0.1', media: 'audio', where: 'eu' })).toEqual({
      dims: ['audio', 'eu'],
      value: 100_000_000_000n,
      unique: null,
    });
    expect(contributionOf({ minutes: 1, where: 7 })).toMatchObject({ dims: ['', '7'] });
  });

  it('leaves out what its filter does not name, before it looks at the value', () => {
    const { contributionOf } = compileMeter(meter({ filter: { '$.media': ['audio', 'video'], '$.paid': ['true'] } }));
    expect(contributionOf({ minutes: '1', media: 'video', paid: true })).toMatchObject({ value: 10n ** 12n });
    expect(contributionOf({ minutes: 'many', media: 'chat', paid: true })).toBeNull();
    expect(contributionOf({ minutes: '1', media: 'audio' })).toBeNull();
  });

  it('refuses an event without a usable value, naming the property and the meter', () => {
    const { contributionOf } = compileMeter(meter({}));
    expect(contributionOf({})).toEqual({ code: 'meter.value_missing', detail: 'data $.minutes is missing (meter minutes)' });
    expect(contributionOf({ minutes: 'x' })).toMatchObject({ code: 'meter.value_not_numeric' });
    expect(contributionOf(undefined)).toMatchObject({ code: 'meter.value_missing' });
  });

  it('counts any event without looking for a value, and distinct values as text', () => {
    expect(compileMeter(meter({ aggregation: 'count', valueProperty: null })).contributionOf(undefined)).toEqual({
      dims: [],
      value: 0n,
      unique: null,
    });
    const users = compileMeter(meter({ aggregation: 'unique_count', valueProperty: '$.user' }));
    expect(users.contributionOf({ user: 7 })).toMatchObject({ unique: '7' });
    expect(users.contributionOf({ user: '' })).toMatchObject({ code: 'meter.value_missing' });
  });

  it('reads a session from a join and a leave with an id, or from a duration', () => {
    const session = { id: '$.session', phase: '$.what', join: 'in', leave: 'out', maxSeconds: 60 };
    const joins = compileMeter(meter({ aggregation: 'peak_concurrency', valueProperty: null, session }));
    expect(joins.contributionOf({ session: 7, what: 'in' })).toEqual({
      dims: [],
      value: 0n,
      unique: null,
      session: { id: '7', phase: 'join' },
    });
    expect(joins.contributionOf({ session: 's', what: 'out' })).toMatchObject({ session: { phase: 'leave' } });
    const calls = meter({ aggregation: 'peak_concurrency', valueProperty: null, session: { duration: '$.s', maxSeconds: 60 } });
    const { contributionOf } = compileMeter(calls);
    expect(contributionOf({ s: '12.345' })).toMatchObject({ session: { durationMs: 12_345 } });
    expect([contributionOf({ s: 0 }), contributionOf({ s: 60 })]).toMatchObject([
      { session: { durationMs: 0 } },
      { session: { durationMs: 60_000 } },
    ]);
  });

  it('refuses an event that is no part of a session, naming the property and the rule', () => {
    const session = { id: '$.session', phase: '$.what', join: 'in', leave: 'out', maxSeconds: 60 };
    const { contributionOf } = compileMeter(
      meter({ key: 'calls', aggregation: 'peak_concurrency', valueProperty: null, session }),
    );
    expect(contributionOf({ what: 'in' })).toEqual({
      code: 'meter.value_missing',
      detail: 'data $.session is missing (meter calls)',
    });
    expect(contributionOf({ session: 's', what: 'mute' })).toEqual({
      code: 'meter.session_phase_unknown',
      detail: 'data $.what must be "in" or "out" (meter calls)',
    });
    const measured = meter({
      aggregation: 'peak_concurrency',
      valueProperty: null,
      session: { duration: '$.s', maxSeconds: 60 },
    });
    const durations = compileMeter(measured);
    expect(durations.contributionOf({})).toMatchObject({
      code: 'meter.value_missing',
      detail: 'data $.s is missing (meter minutes)',
    });
    expect(durations.contributionOf({ s: 'long' })).toMatchObject({ code: 'meter.value_not_numeric' });
    for (const s of ['-1', '60.001', '0.0001']) {
      expect(durations.contributionOf({ s }), s).toMatchObject({ code: 'meter.session_duration_invalid' });
    }
  });
});
