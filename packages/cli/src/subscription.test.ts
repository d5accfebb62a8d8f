import { describe, expect, it } from 'vitest';
import { meterline, problem } from './fixture.ts';

const STAGE = { from: '2026-02-01T00:00:00Z', until: null, plan: 'payg', planVersion: 1, quantities: {}, paused: false };
const SUBSCRIPTION = {
  ...{ id: 'sub_1', customer: 'acme', endsAt: null },
  stages: [
    { ...STAGE, until: '2026-03-01T00:00:00Z' },
    { ...STAGE, from: '2026-03-01T00:00:00Z', plan: 'team', quantities: { seats: '12' } },
  ],
};
const CHANGE = { id: 'chg_1', kind: 'plan', state: 'scheduled', at: '2026-03-01T00:00:00Z', until: null, plan: 'team' };

describe('subscription', () => {
  it('change sends what is asked for, and shows what the subscription is then', async () => {
    const { out, asked } = await meterline(
      ['subscription', 'change', 'sub_1', 'plan', '--plan', 'team', '--plan-version', '2', '--quantity', 'seats=12', '--at', 'period_end', '--until', '2026-04-01'], // prettier-ignore
      () => ({ status: 201, body: { change: CHANGE, subscription: SUBSCRIPTION } }),
    );
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/v1/subscriptions/sub_1/changes' });
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      ...{ kind: 'plan', plan: 'team', version: 2, quantities: { seats: '12' } },
      ...{ at: 'period_end', until: '2026-04-01T00:00:00Z' },
    });
    expect(out.split('\n')).toEqual([
      'Change chg_1 is scheduled.',
      'Subscription sub_1 of acme',
      '',
      'From                  Until                 Plan    Quantities',
      '──────────────────────────────────────────────────────────────',
      '2026-02-01T00:00:00Z  2026-03-01T00:00:00Z  payg 1',
      '2026-03-01T00:00:00Z                        team 1  seats 12',
    ]);
  });

  it('preview shows invoices, losses and the token, which execute sends', async () => {
    const invoice = {
      plan: 'payg',
      from: '2026-02-01T00:00:00Z',
      to: '2026-02-17T00:00:00Z',
      fees: '0.00',
      usage: '3.00',
      total: '3.00',
    };
    const { out, asked } = await meterline(['subscription', 'preview', 'sub_1', 'plan', '--plan', 'team'], () => ({
      body: {
        ...{ token: 'tok', currency: 'USD', total: '15.00', totalWithout: '13.00' },
        change: { kind: 'plan', direction: 'up', at: '2026-02-17T00:00:00Z', fee: '5.00' },
        documents: [
          { kind: 'fee', plan: 'team', from: '2026-02-17T00:00:00Z', amount: '12.00' },
          { kind: 'interim', plan: 'team', from: '2026-02-17T00:00:00Z', usageTo: '2026-03-01T00:00:00Z', amount: '0.50' },
          { kind: 'credit_note', plan: 'payg', from: '2026-02-01T00:00:00Z', amount: '4.00' },
        ],
        now: { invoices: [invoice], total: '3.00' },
        next: [{ ...invoice, plan: 'team', from: '2026-02-17T00:00:00Z', to: '2026-03-01T00:00:00Z', total: '12.00' }],
        differences: {
          prices: [
            {
              name: 'Seats',
              before: { price: { model: 'flat', amount: '31.00', quantity: '12' }, modifiers: null },
              after: { price: { model: 'flat', amount: '10.00', quantity: '12' }, modifiers: { percentOff: '5' } },
            },
            { name: 'Calls', before: { price: { model: 'per_unit', unitAmount: '0.01' }, modifiers: null }, after: null },
          ],
          allowances: [{ message: 'Storage: you use 8 of 5 (10 before)' }],
          features: [
            { name: 'Video', change: 'changed', message: 'Video: you use 9 of 4 (12 before)' },
            { name: 'Single sign-on', change: 'added', message: null },
          ],
          commitment: { message: '229.32 of the 529.32 for the days so far is not used, and lost' },
          unpricedMeters: ['calls'],
        },
        lastMonths: { before: '40.00', after: '31.00' },
      },
    }));
    expect(asked[0]?.url).toBe('/v1/subscriptions/sub_1/changes/preview');
    expect(out).toContain('plan (up) from 2026-02-17T00:00:00Z, fee 5.00');
    expect(out).toMatch(/2026-02-17T00:00:00Z {2}payg +0\.00 +3\.00 +3\.00 {2}now/);
    for (const line of [
      'Together 15.00; without the change 13.00',
      'Price of Seats: flat {"amount":"31.00","quantity":"12"}, then flat {"amount":"10.00","quantity":"12"} {"percentOff":"5"}',
      'Price of Calls: per_unit {"unitAmount":"0.01"}, then none',
      'Storage: you use 8 of 5 (10 before)',
      'Billed in advance: 12.00 for team from 2026-02-17T00:00:00Z',
      'Billed on an interim invoice: 0.50 of team for usage before 2026-03-01T00:00:00Z',
      'Given back: 4.00 of what was paid for payg',
      'Video: you use 9 of 4 (12 before)',
      'Commitment: 229.32 of the 529.32 for the days so far is not used, and lost',
      'Single sign-on: new',
      'calls: no longer charged',
      'The last whole months: 40.00 as it was, 31.00 after the change',
      'Token: tok',
    ])
      // prettier-ignore
      expect(out.split('\n')).toContain(line);

    const made = { change: { ...CHANGE, state: 'done' }, subscription: SUBSCRIPTION };
    const executed = await meterline(['subscription', 'execute', 'sub_1', 'tok'], () => ({ status: 201, body: made }));
    expect(JSON.parse(executed.asked[0]?.body ?? '')).toEqual({ token: 'tok' });
  });

  it('changes lists them, withdraw calls one off, and a refusal says which rule and from when', async () => {
    const listed = await meterline(['subscription', 'changes', 'sub_1'], () => ({ body: { items: [CHANGE], nextCursor: null } }));
    expect(listed.out).toContain('chg_1   plan  scheduled  2026-03-01T00:00:00Z         team');
    const withdrawn = await meterline(['subscription', 'withdraw', 'sub_1', 'chg_1'], () => ({
      body: { change: { ...CHANGE, state: 'withdrawn' }, subscription: SUBSCRIPTION },
    }));
    expect(withdrawn.asked[0]).toMatchObject({ method: 'DELETE', url: '/v1/subscriptions/sub_1/changes/chg_1' });
    const message = 'needs a notice of 48 hours: allowed from 2026-04-01T00:00:00Z';
    const refused = await meterline(['subscription', 'change', 'sub_1', 'cancel'], () =>
      problem(409, 'subscription.rule_refuses', 'Not then.', [{ path: 'changeRules.noticeHours', message }]),
    );
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(message);
    expect(
      (await meterline(['subscription', 'change', 'sub_1', 'quantity', '--quantity', 'seats'], () => ({ body: {} }))).code,
    ).toBe(2);
  });

  it('upgrade shows each step with what it found, and fails unless it is done; rollback takes one back', async () => {
    const upgrade = {
      ...{
        id: 'upg_1',
        subscription: 'sub_1',
        state: 'done',
        createdAt: '2026-03-12T00:00:00Z',
        graceUntil: '2026-03-26T00:00:00Z',
      },
      steps: [
        { step: 'switch', passed: true, checks: [{ check: 'change', passed: true, message: 'made by chg_1' }] },
        {
          step: 'verification',
          passed: true,
          checks: [{ check: 'spend', passed: true, message: '1.20 USD so far by pro version 1' }],
        },
      ],
    };
    const done = await meterline(['subscription', 'upgrade', 'sub_1', '--plan', 'pro', '--grace-days', '7'], () => ({
      status: 201,
      body: upgrade,
    }));
    expect(JSON.parse(done.asked[0]?.body ?? '')).toEqual({ plan: 'pro', graceDays: 7 });
    expect(done.code).toBe(0);
    for (const line of ['✓ verification', '    spend: 1.20 USD so far by pro version 1', 'Upgrade upg_1 is done.'])
      expect(done.out.split('\n')).toContain(line);
    const failing = { check: 'alerts', passed: false, message: 'alert rules are not as before: budget' };
    const back = { ...upgrade, state: 'rolled_back', steps: [{ step: 'verification', passed: false, checks: [failing] }] };
    const failed = await meterline(['subscription', 'upgrade', 'sub_1', '--token', 'tok'], () => ({ status: 201, body: back }));
    expect(failed.code).toBe(1);
    expect(failed.out).toContain('    ✗ alerts: alert rules are not as before: budget');
    expect((await meterline(['subscription', 'upgrade', 'sub_1'], () => ({ body: {} }))).code).toBe(2);
    const taken = await meterline(['subscription', 'rollback', 'sub_1', 'upg_1'], () => ({ body: back }));
    expect(taken.asked[0]).toMatchObject({ method: 'POST', url: '/v1/subscriptions/sub_1/upgrades/upg_1/rollback' });
    const listed = await meterline(['subscription', 'upgrades', 'sub_1'], () => ({
      body: { items: [upgrade], nextCursor: null },
    }));
    expect(listed.out).toContain('upg_1    done   2026-03-12T00:00:00Z  2026-03-26T00:00:00Z');
  });
});
