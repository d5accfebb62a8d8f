import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';

const MAIN = path.join(import.meta.dirname, 'main.ts');

it('answers to the distributed backend in one plain line how to start it instead of running standalone, and stores nothing', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-main-'));
  const data = path.join(folder, 'data');
  const env = { ...process.env, METERLINE_BACKEND: 'distributed', METERLINE_DATA: data, METERLINE_PORT: '0' };
  try {
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile(process.execPath, [MAIN], { env }, (error, stdout) => resolve({ code: error?.code, output: stdout }));
    });
    expect(code).toBe(1);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(output)).toMatchObject({
      level: 'fatal',
      code: 'settings.backend_apart',
      msg: expect.stringMatching(
        /^could not start: METERLINE_BACKEND=distributed runs as services: .*npm run migrate.*start:api\.$/,
      ),
    });
    expect(output).not.toContain('"stack"');
    expect(existsSync(data)).toBe(false);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
