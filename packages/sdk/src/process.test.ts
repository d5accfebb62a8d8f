import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { startServer, stored } from './test-server.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** Runs a script in a Node process of its own; rejects if that exits with an error or stays. */
async function run(url: string, script: string): Promise<string> {
  const source = `import { Meterline } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const client = new Meterline({ url: ${JSON.stringify(url)}, apiKey: 'k', flushIntervalMs: 3_600_000, backoffMinMs: 200, onError() {} });
    client.track({ type: 'call', subject: 'acme' });
    ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { timeout: 20_000 });
  return stdout.trim();
}

test('a process that forgets the client can exit', async () => {
  const server = await startServer(stored);
  cleanups.push(server.stop);
  expect(await run(server.url, `console.log(client.counters.queued);`)).toBe('1');
});

test('a process that awaits close lives until its events are stored, waits before retries included', async () => {
  const server = await startServer((events, index) => (index < 2 ? { status: 503 } : stored(events)));
  cleanups.push(server.stop);
  expect(await run(server.url, `await client.close(); console.log(client.counters.sent);`)).toBe('1');
});
