import { expect, it } from 'vitest';
import { runEngineTask } from './engine-task.ts';
import { meterlineWith } from './fixture.ts';

it('log replay says of engines that cannot be replayed, and of settings that are not valid, why', async () => {
  const PATH = process.env['PATH'] ?? '';
  const embedded = await meterlineWith(['log', 'replay', '--to-env'], { PATH, METERLINE_EVENT_LOG: 'lmdb' });
  expect(embedded.code).toBe(1);
  expect(embedded.err).toContain('METERLINE_EVENT_LOG=lmdb');
  expect(embedded.err).toContain('settings.engine_embedded');
  const invalid = await meterlineWith(['log', 'replay', '--to-env'], { PATH, METERLINE_PARTITIONS: 'many' });
  expect(invalid.code).toBe(2);
  expect(invalid.err).toContain('METERLINE_PARTITIONS must be a whole number');
  expect((await meterlineWith(['log', 'replay'], {})).err).toContain("required option '--to-env'");
});

it('says where to go when this installation has no engines, as in the image of the command alone', async () => {
  const terminal = {
    print: () => undefined,
    tell: () => undefined,
    paint: (_style: unknown, text: string) => text,
    bars: undefined,
  };
  const onStopped = { code: 'x', message: '' };
  const task = { main: 'services/none/src/main.ts', args: [], phases: {}, onStopped, terminal, env: {} };
  await expect(runEngineTask(task)).rejects.toMatchObject({ code: 'cli.no_engines', exitCode: 2 });
});
