import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const MODULE = new URL('./index.ts', import.meta.url).href;

/** Runs a service in a process of its own; `body` is the code of its start. Resolves lines as they come and the exit code. */
function service(body: string, options = '') {
  const code = `
    import { runService } from ${JSON.stringify(MODULE)};
    import { Fault } from ${JSON.stringify(import.meta.resolve('@meterline/domain/faults'))};
    const say = (text) => process.stdout.write(text + '\\n');
    const log = (fields, message) => say('log ' + (message ?? fields) + (fields.err ? ': ' + fields.err.message : ''));
    const logger = { debug() {}, info: log, error: log, fatal: log };
    setInterval(() => {}, 1000);
    await runService({ logger, ${options} start: async (onStop) => { ${body} } });
    say('up');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  return {
    child,
    lines,
    exit: once(child, 'close').then(([code]) => code as number | null),
    said: (line: string) => said(child, lines, line),
  };
}

async function said(child: ChildProcess, lines: string[], line: string): Promise<void> {
  while (!lines.includes(line)) await once(child.stdout ?? child, 'data');
}

it('stops its parts in reverse order on SIGTERM and exits with 0', async () => {
  const { child, lines, exit, said } = service(`onStop('a', () => say('stop a')); onStop('b', async () => say('stop b'));`);
  await said('up');
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(lines.filter((line) => line.startsWith('stop '))).toEqual(['stop b', 'stop a']);
});

it('stops the other parts too when one fails to stop, and exits with 1', async () => {
  const { child, lines, exit, said } = service(
    `onStop('a', () => say('stop a')); onStop('b', () => { throw new Error('stuck'); });`,
  );
  await said('up');
  child.kill('SIGINT');
  expect(await exit).toBe(1);
  expect(lines).toContain('stop a');
  expect(lines).toContain('log could not stop: stuck');
});

it('exits at once on a second signal', async () => {
  const { child, exit, said } = service(`onStop('a', () => { say('stop a'); return new Promise(() => {}); });`);
  await said('up');
  child.kill('SIGTERM');
  await said('stop a');
  child.kill('SIGTERM');
  expect(await exit).toBe(1);
});

it('gives up on a part that does not stop in time', async () => {
  const { child, lines, exit, said } = service(`onStop('a', () => new Promise(() => {}));`, 'stopTimeoutMs: 30,');
  await said('up');
  child.kill('SIGTERM');
  expect(await exit).toBe(1);
  expect(lines).toContain('log not stopped in time');
});

it('stops what had started when the start fails', async () => {
  const { lines, exit } = service(`onStop('a', () => say('stop a')); throw new Error('port taken');`);
  expect(await exit).toBe(1);
  expect(lines).toEqual(['log could not start: port taken', 'stop a']);
});

it('says in one line, with its code and without a stack, what an operator has to change', async () => {
  const { lines, exit } = service(
    `const fatal = (fields, message) => say(JSON.stringify({ ...fields, message })); Object.assign(logger, { fatal });
     throw new Fault('conflict', 'folder.in_use', 'The folder is in use.');`,
  );
  expect(await exit).toBe(1);
  expect(lines).toEqual([JSON.stringify({ code: 'folder.in_use', message: 'could not start: The folder is in use.' })]);
});

it('logs what nobody caught and exits with 1', async () => {
  const { lines, exit } = service(`Promise.reject(new Error('oops'));`);
  expect(await exit).toBe(1);
  expect(lines).toContain('log crashed: oops');
});
