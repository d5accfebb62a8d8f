import { describe, expect, it } from 'vitest';
import { meterline, meterlineWith, type Asked } from './fixture.ts';

const KEY = { type: 'api_key', id: 'k1', name: 'Anna' };
const record = (place: number, more: object = {}) => ({
  id: String(place),
  at: `2026-11-22T10:00:${String(place).padStart(2, '0')}Z`,
  actor: KEY,
  requestId: 'req_1',
  action: 'update',
  type: 'customer',
  object: 'acme',
  changes: [{ path: 'name', before: 'Acme', after: `Acme ${place}` }],
  before: {},
  after: {},
  ...more,
});

describe('meterline audit', () => {
  it('shows who did what to which object, a line for each field that changed', async () => {
    const changes = [
      { path: 'rateCards[0].price.unitAmount', before: '0.004', after: '0.005' },
      { path: 'archivedAt', before: null, after: '2026-11-22T10:00:00Z' },
      { path: 'subjects[1]', after: 'x'.repeat(60) },
    ];
    const system = { actor: { type: 'system', id: null, name: null }, action: 'create', changes: [{ path: 'key', after: 'a' }] };
    const { out, code } = await meterline(['audit'], () => ({
      body: { items: [record(2, { changes }), record(1, system)], nextCursor: null },
    }));
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.trim())).toEqual([
      expect.stringMatching(/^when +who +did +to +what changed$/),
      expect.stringMatching(/^─+$/),
      '2026-11-22T10:00:02Z  Anna (k1)  update  customer acme  rateCards[0].price.unitAmount: 0.004 → 0.005',
      'archivedAt: null → 2026-11-22T10:00:00Z',
      `subjects[1]: - → ${'x'.repeat(48)}…`,
      '2026-11-22T10:00:01Z  system     create  customer acme',
    ]);
  });

  it('passes the filters on, reads no more pages than it needs, and says that there is more', async () => {
    const pages = (asked: Asked) => {
      const first = Number(new URL(asked.url, 'http://x').searchParams.get('cursor') ?? '1');
      return { body: { items: [record(first), record(first + 1)], nextCursor: String(first + 2) } };
    };
    const filters = [
      '--type',
      'customer',
      '--object',
      'acme',
      '--actor',
      'k1',
      '--from',
      '2026-11-01',
      '--to',
      '2026-12-01T00:00:00Z',
    ];
    const { out, err, asked } = await meterline(['audit', '--limit', '3', ...filters], pages);
    expect(out.split('\n')).toHaveLength(2 + 3);
    expect(asked.map(({ url }) => url)).toEqual([
      '/v1/audit?limit=4&type=customer&object=acme&actor=k1&from=2026-11-01T00%3A00%3A00Z&to=2026-12-01T00%3A00%3A00Z',
      expect.stringContaining('cursor=3'),
    ]);
    expect(err).toBe('There are older ones: --limit 30 shows more.');
  });

  it('teaches in its help what can be asked, and refuses a limit that is none', async () => {
    const { out } = await meterlineWith(['audit', '--help'], {});
    for (const taught of ['--actor <id>', 'pro@2', 'plan_version', '$ meterline audit --actor system'])
      expect(out).toContain(taught);
    const wrong = await meterlineWith(['audit', '--limit', '0'], {});
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('must be a whole number');
  });

  it('says so where nothing matches', async () => {
    expect((await meterline(['audit'], () => ({ body: { items: [], nextCursor: null } }))).out).toBe(
      'Nothing that matches was changed.',
    );
  });
});
