import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Answer, type Asked, meterline, problem } from './fixture.ts';

const lines = (count: number) => Array.from({ length: count }, (_, index) => `{"id":"e${index + 1}"}`);
const linesOf = ({ body }: Asked) => body.split('\n');
const stored = (asked: Asked): Answer => ({ status: 202, body: { accepted: linesOf(asked).length, rejected: [] } });

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'meterline-import-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe('import', () => {
  it.each(['events.ndjson', 'events.ndjson.gz'])('sends every line of %s once, in order and in batches', async (name) => {
    const content = lines(1201).join('\r\n') + '\n\n';
    const file = await fileOf(name, name.endsWith('.gz') ? gzipSync(content) : content);
    const { code, out, asked } = await meterline(['import', file], stored);
    expect(code).toBe(0);
    expect(asked.map((one) => linesOf(one).length)).toEqual([500, 500, 201]);
    expect(asked.flatMap(linesOf)).toEqual(lines(1201));
    expect(out).toBe('1,201 events stored, 0 refused.');
  });

  it('goes on from a line', async () => {
    const { asked } = await meterline(['import', await fileOf('e.ndjson', lines(5).join('\n')), '--from-line', '4'], stored);
    expect(asked.flatMap(linesOf)).toEqual(['{"id":"e4"}', '{"id":"e5"}']);
  });

  it('tries again while the server cannot, and sends the same lines then', async () => {
    let calls = 0;
    const { code, asked } = await meterline(['import', await fileOf('e.ndjson', lines(3).join('\n'))], (asked) =>
      ++calls === 1 ? problem(503, 'ingest.overloaded', 'Later.') : stored(asked),
    );
    expect(code).toBe(0);
    expect(asked.length).toBe(2);
    expect(asked[1]?.body).toBe(asked[0]?.body);
  });

  it('names the lines that were refused, stores the others, and ends with 1', async () => {
    const file = await fileOf('e.ndjson', ['', ...lines(2), '', 'not json'].join('\n'));
    const rejected = [{ index: 2, id: null, code: 'event.malformed_json', message: 'the line is not JSON' }];
    const some = await meterline(['import', file], () => ({ status: 202, body: { accepted: 2, rejected } }));
    expect(some.code).toBe(1);
    expect(some.out).toBe('2 events stored, 1 refused.\n  line 5: the line is not JSON (event.malformed_json)');
    const errors = [
      { path: '[0].time', message: 'too old', code: 'event.time_too_old', index: 0 },
      { path: '[1].id', message: 'no id', code: 'event.no_id', index: 1 },
    ];
    const all = await meterline(['import', file], () => problem(400, 'request.no_valid_event', 'None.', errors));
    expect(all.code).toBe(1);
    expect(all.out).toBe('0 events stored, 2 refused.\n  line 2: too old (event.time_too_old)\n  line 3: no id (event.no_id)');
  });

  it('says where it stopped when the server refuses to go on', async () => {
    let calls = 0;
    const { code, err } = await meterline(['import', await fileOf('e.ndjson', lines(600).join('\n'))], (asked) =>
      ++calls === 1 ? stored(asked) : problem(401, 'auth.unknown_key', 'This API key is not known.'),
    );
    expect(code).toBe(2);
    expect(err).toContain('Go on with --from-line 501');
    expect(err).toContain('This API key is not known.');
  });

  it('ends with 2 when there is no such file', async () => {
    expect((await meterline(['import', '/nowhere/e.ndjson'], stored)).code).toBe(2);
  });
});
