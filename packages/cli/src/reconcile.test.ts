import { describe, expect, it } from 'vitest';
import { meterline, meterlineWith, problem } from './fixture.ts';

const tiles = { name: 'segments tile the log', holds: true, counts: { appended: 19366, segments: 26 }, differences: [] };
const usage = {
  name: 'usage = raw events',
  holds: false,
  counts: { series: 3 },
  differences: ['default/calls, acme: usage 5, raw 6'],
};

describe('reconcile', () => {
  it('shows every invariant with its counts, and ends with 0 when all hold', async () => {
    const { code, out, err, asked } = await meterline(['reconcile'], () => ({
      body: { holds: true, cut: [19366], invariants: [tiles] },
    }));
    expect(code).toBe(0);
    expect(asked[0]?.url).toBe('/v1/reconciliation');
    expect(out).toContain('holds  segments tile the log  19,366 appended, 26 segments');
    expect(err).toBe('');
  });

  it('shows what differs, and ends with 1', async () => {
    const body = { holds: false, cut: [19366], invariants: [tiles, usage] };
    const { code, out, err } = await meterline(['reconcile'], () => ({ body }));
    expect(code).toBe(1);
    expect(out).toContain('BROKEN  usage = raw events');
    expect(out).toContain('  usage = raw events: default/calls, acme: usage 5, raw 6');
    expect(err).toContain('1 of 2 invariants do not hold. (reconciliation.differs)');
    expect((await meterline(['reconcile', '--json'], () => ({ body }))).code).toBe(1);
  });

  it.each([400, 401, 404, 500])('ends with 2 when the server answers %i', async (status) => {
    expect((await meterline(['reconcile'], () => problem(status, 'some.code', 'No.'))).code).toBe(2);
  });

  it('ends with 2 when there is no server', async () => {
    expect((await meterlineWith(['reconcile', '--key', 'k'], { METERLINE_URL: 'http://127.0.0.1:9' })).code).toBe(2);
  });
});
