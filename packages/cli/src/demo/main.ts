import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { route } from '../client.ts';
import { groupDigits } from '../render/digits.ts';
import { processTerminal, type Terminal } from '../terminal.ts';
import { checkInvoice, checkReconciliation, checkUsage, playTrace } from './acts.ts';
import { BUDGET, CURRENCY, CUSTOMER, createCatalogue, createWebhookEndpoint } from './catalogue.ts';
import { createChecks } from './checks.ts';
import { logTail } from './server.ts';
import { openStage } from './stage.ts';
import { readTrace } from './trace.ts';

const CLOCK_START = '2023-11-16T19:15:00Z';

const HELP = `npm run demo [-- options]: an hour of a language model service, from its events to a proven invoice.

  --seconds <n>  how long playing the hour takes (default 8)
  --keep         leave the server running until Ctrl-C, and keep its folder
  --url <url>    play on a deployment that is there, empty and on a test clock from ${CLOCK_START}, instead of a server of its own;
  --key <key>    with this admin key
  --help`;

const { values: options } = parseArgs({
  options: {
    keep: { type: 'boolean' },
    seconds: { type: 'string', default: '8' },
    url: { type: 'string' },
    key: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (options.help === true) console.log(HELP);
else if (!/^[1-9]\d{0,3}$/.test(options.seconds)) {
  console.error('--seconds must be a whole number from 1 to 9999');
  process.exitCode = 2;
} else if ((options.url === undefined) !== (options.key === undefined)) {
  console.error('--url and --key belong together');
  process.exitCode = 2;
} else process.exitCode = await runDemo(Number(options.seconds) * 1000, options.keep === true);

/** Answers the exit code: 0 if every figure is as expected. */
async function runDemo(playMs: number, keep: boolean): Promise<number> {
  const terminal = storyTerminal();
  const checks = createChecks(terminal);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  const folder = await mkdtemp(join(tmpdir(), 'meterline-demo-'));
  const closers: (() => Promise<void>)[] = [];
  const act = (title: string, text = '') => terminal.print(`\n${terminal.paint(['bold', 'cyan'], title)}  ${text}`.trimEnd());
  try {
    const startedMs = performance.now();
    const { url, key = `mk_test_demo_${randomBytes(24).toString('hex')}` } = options;
    const onClose = (close: () => Promise<void>) => void closers.push(close);
    const { signal } = stopping;
    const stage = await openStage({ folder, url, key, terminal, checks, clockStart: CLOCK_START, signal, onClose });
    const ready = `ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
    const what = url === undefined ? `a process of its own, ${ready}` : 'a deployment that was there';
    act('Server', `${stage.url}, ${what}; its clock starts at ${CLOCK_START}`);

    await createCatalogue(stage.client);
    stage.receiver.trust(await createWebhookEndpoint(stage.client, stage.receiver.url));
    act(
      'Set up',
      `3 meters, a plan, customer ${CUSTOMER}, a budget of ${BUDGET.amount} ${CURRENCY} with alerts at ${BUDGET.thresholds.join(', ')}`,
    );

    const trace = await readTrace();
    act('Events', `${groupDigits(String(trace.length))} calls of a real trace, an hour in ${playMs / 1000} s, through the SDK`);
    await playTrace(stage, trace, playMs);

    act('Usage');
    await checkUsage(stage);

    act('Invoice', 'the clock moves to 1 December, and the scheduled run begins');
    const invoice = await checkInvoice(stage);
    const page = route`/v1/invoices/${invoice.id}.html`;
    terminal.print(`\n  To print: ${page}`);

    act('Proof');
    await checkReconciliation(stage);

    const failed = checks.failedCount();
    terminal.print(
      failed === 0
        ? `\n${terminal.paint('green', 'Every figure is as expected.')}`
        : `\n${terminal.paint('red', `${failed} figures differ.`)}`,
    );
    if (keep && !stopping.signal.aborted) {
      const file = join(folder, 'invoice.html');
      await writeFile(file, await stage.client.getText(page, 'text/html'));
      terminal.print(
        `\nRunning on until Ctrl-C:\n  API docs  ${stage.url}/docs\n  Key       ${key}\n  Invoice   ${file}\n  Data      ${join(folder, 'data')}`,
      );
      await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
    }
    return failed === 0 ? 0 : 1;
  } catch (error) {
    if (stopping.signal.aborted) return 130;
    const log = await logTail(folder).catch(() => 'It has none.');
    console.error(`\n${terminal.paint('red', 'The demo failed.')} ${errorText(error)}\n\nThe server's log ends:\n${log}`);
    return 1;
  } finally {
    for (const close of closers.reverse()) await close();
    if (!keep) await rm(folder, { recursive: true, force: true });
  }
}

/** The bar and what is told beside it are part of the story here. */
function storyTerminal(): Terminal {
  const terminal = processTerminal();
  return { ...terminal, tell: terminal.print, bars: process.stdout.isTTY ? process.stdout : undefined };
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
