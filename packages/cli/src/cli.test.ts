import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { meterline, meterlineWith, problem } from './fixture.ts';

const CLOCK = { now: '2023-11-16T19:15:00Z', test: true, movingTo: null };

describe('the command line', () => {
  it('explains itself, and tells a command it does not know by exit code 2', async () => {
    const help = await meterlineWith(['invoice', 'run', '--help'], {});
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('$ meterline invoice run --at 2023-12-01');
    expect(help.out).toContain('--key <key>');
    const unknown = await meterlineWith(['frobnicate'], {});
    expect(unknown).toMatchObject({ code: 2, out: '' });
    expect(unknown.err).toContain("unknown command 'frobnicate'");
  });

  it('says in plain words what the server refuses, with code and fields', async () => {
    const errors = [
      { path: 'key', message: 'must be lower-case' },
      { path: 'valueProperty', message: 'sum needs a value property' },
    ];
    const { code, err } = await meterline(['meter', 'create', 'X', '--event-type', 'a', '--aggregation', 'sum'], () =>
      problem(400, 'request.invalid', 'The body is not valid.', errors),
    );
    expect(code).toBe(1);
    expect(err).toBe(
      'error The body is not valid. (request.invalid)\n  key: must be lower-case\n  valueProperty: sum needs a value property',
    );
  });

  it.each([
    ['refuses the key', 401, 2],
    ['is in trouble', 503, 2],
    ['says no', 409, 1],
  ])('ends with the exit code for a server that %s', async (_what, status, code) => {
    expect((await meterline(['clock', 'get'], () => problem(status, 'some.code', 'No.'))).code).toBe(code);
  });

  it('names a server that does not answer, and one that is not Meterline', async () => {
    const gone = await meterlineWith(['clock', 'get', '--key', 'k'], { METERLINE_URL: 'http://127.0.0.1:9' });
    expect(gone.code).toBe(2);
    expect(gone.err).toContain('No answer from http://127.0.0.1:9');
    const other = await meterline(['clock', 'get'], () => ({ body: '<html>' }));
    expect(other.code).toBe(2);
    expect(other.err).toContain('server.not_meterline');
  });

  it('prints the raw answer with --json', async () => {
    const { out } = await meterline(['clock', 'get', '--json'], () => ({ body: CLOCK }));
    expect(JSON.parse(out)).toEqual(CLOCK);
  });

  it('takes the admin key from the data folder, and says where it looked if there is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meterline-cli-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const none = await meterlineWith(['clock', 'get'], { METERLINE_DATA: folder });
    expect(none.code).toBe(2);
    expect(none.err).toContain(join(folder, 'admin-key'));
    await writeFile(join(folder, 'admin-key'), 'mk_live_kept_secretsecret\n');
    const { asked } = await meterline(['clock', 'get'], () => ({ body: CLOCK }), { METERLINE_DATA: folder });
    expect(asked[0]?.headers.authorization).toBe('Bearer mk_live_kept_secretsecret');
  });
});

describe('events', () => {
  it('are sent with every digit of their data', async () => {
    const args = ['event', 'send', '--type', 't', '--subject', 's', '--id', 'e1', '--data', '{"n":12345678901234567890.10}'];
    const { code, asked, out } = await meterline(args, () => ({ status: 202, body: { accepted: 1, rejected: [] } }));
    expect(code).toBe(0);
    expect(out).toBe('Stored event e1 (source cli).');
    expect(asked[0]?.body).toBe(
      '{"specversion":"1.0","id":"e1","source":"cli","type":"t","subject":"s","data":{"n":12345678901234567890.10}}',
    );
    expect(asked[0]?.headers['content-type']).toBe('application/cloudevents+json');
  });

  it('are refused before they are sent if their data is not JSON', async () => {
    const { code, err, asked } = await meterline(['event', 'send', '--type', 't', '--subject', 's', '--data', '{n}'], () => ({
      body: {},
    }));
    expect([code, asked.length]).toEqual([2, 0]);
    expect(err).toContain('--data is not JSON');
  });

  it('are voided by id, whatever characters it has', async () => {
    const { asked } = await meterline(['event', 'void', 'a/b?c'], () => ({ status: 202, body: { id: 'a/b?c', source: 'x' } }));
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/v1/events/a%2Fb%3Fc/void' });
  });
});

describe('usage', () => {
  it('is asked as the options say, and shown by window and group', async () => {
    const args = [
      'usage',
      'tokens',
      '--from',
      '2023-11-16',
      '--window',
      'hour',
      '--group-by',
      'model',
      '--filter',
      'a:1',
      '--filter',
      'a:2',
    ];
    const rows = [
      { from: '2023-11-16T18:00:00Z', to: '2023-11-16T19:00:00Z', group: { model: 'large' }, value: '22361870.5', events: 12 },
    ];
    const range = { from: '2023-11-16T00:00:00Z', to: '2023-11-17T00:00:00Z' };
    const usage = { meter: 'tokens', ...range, window: 'hour', timezone: 'UTC', asOf: { cut: [7], at: range.to }, rows };
    const { asked, out } = await meterline(args, () => ({ body: usage }));
    expect(asked[0]?.url).toBe(
      '/v1/meters/tokens/usage?from=2023-11-16T00%3A00%3A00Z&window=hour&groupBy=model&filter=a%3A1&filter=a%3A2',
    );
    expect(out.split('\n').slice(1, 4)).toEqual([
      'hour (UTC)            model         value  events',
      '─────────────────────────────────────────────────',
      '2023-11-16T18:00:00Z  large  22,361,870.5      12',
    ]);
  });
});

describe('a backfill', () => {
  it('is waited for', async () => {
    let filled = 0;
    const { code, asked, out } = await meterline(['meter', 'backfill', 'calls'], () => ({
      body: {
        meter: 'calls',
        state: filled === 2000 ? 'complete' : 'running',
        recordsFilled: (filled += 1000) - 1000,
        recordsTotal: 2000,
      },
    }));
    expect(code).toBe(0);
    expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    expect(out).toBe('Meter calls is filled from 2,000 records of the log.');
  });
});

describe('a meter', () => {
  const created = { key: 'm', aggregation: 'sum' };
  const create = (...options: string[]) =>
    meterline(['meter', 'create', 'm', '--event-type', 't', '--aggregation', 'sum', ...options], () => ({
      status: 201,
      body: created,
    }));

  it('is created with its fold, level and session as the options say', async () => {
    const bodies = await Promise.all(
      [
        ['--fold', 'day:max'],
        ['--fold', '5_minutes:percentile:95:skip', '--value-property', '$.gb'],
        ['--level', 'absolute:hour'],
        ['--session-id', '$.call', '--session-phase', '$.what', '--session-max', '3600'],
        ['--session-duration', '$.s', '--session-max', '60'],
      ].map(async (options) => JSON.parse((await create(...options)).asked[0]?.body ?? '') as unknown),
    );
    expect(bodies).toMatchObject([
      { fold: { window: 'day', take: 'max' } },
      { fold: { window: '5_minutes', take: 'percentile', percentile: '95', emptyWindows: 'skip' }, valueProperty: '$.gb' },
      { level: { values: 'absolute', unit: 'hour' } },
      { session: { id: '$.call', phase: '$.what', maxSeconds: 3600 } },
      { session: { duration: '$.s', maxSeconds: 60 } },
    ]);
  });

  it('is not created from an option that means nothing', async () => {
    for (const options of [
      ['--fold', 'day'],
      ['--fold', 'day:percentile:1:2'],
      ['--level', 'hour'],
    ]) {
      const { code, err, asked } = await create(...options);
      expect([code, asked.length], options.join(' ')).toEqual([2, 0]);
      expect(err).toContain('option.malformed');
    }
  });
});
