import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../packages/cli/src/demo/main.ts');

it(
  'npm run demo: a real trace through the SDK comes to the figures computed independently, and leaves nothing behind',
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meterline-e2e-'));
    try {
      // Rejects unless the demo ends with 0.
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, '--seconds', '3'], {
        env: { ...process.env, TMPDIR: folder, NO_COLOR: '1' },
      });
      expect(stderr).toBe('');
      for (const [figure, value] of [
        ['calls', '19,366'],
        ['input tokens', '22,361,870'],
        ['output tokens', '4,088,665'],
        ['busiest minute', '2023-11-16T18:43:00Z'],
        ['calls in that minute', '502'],
        ['base', '49.00'],
        ['calls', '29.37'],
        ['input_tokens', '33.40'],
        ['output_tokens', '36.90'],
        ['total', '148.67'],
        ['reconciliation', 'holds'],
      ] as const) {
        expect(stdout).toMatch(new RegExp(`^${figure} +${value} +${value} +as expected$`, 'm'));
      }
      expect(stdout).toMatch(/reached 100\.00 of the budget, \d+ ms after call 10,893 crossed it \(signature verified\)/);
      expect(stdout).toMatch(/reached 80% of the budget, \d+ ms after call 14,365 crossed it \(signature verified\)/);
      expect(stdout).toMatch(/^ {2}tier 3: above 15,000 +4,366 +0\.001 +4\.366$/m);
      expect(stdout).toMatch(/^Total +148\.67 USD$/m);
      expect(stdout).toContain('Every figure is as expected.');
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
