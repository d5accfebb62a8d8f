import { setTimeout as sleep } from 'node:timers/promises';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { type Client, route } from '../client.ts';
import { groupDigits } from '../render/digits.ts';
import { invoiceText } from '../render/invoice.ts';
import { startProgress } from '../render/progress.ts';
import { type Reconciliation, reconciliationText } from '../render/reconciliation.ts';
import type { Usage } from '../render/usage.ts';
import { BUDGET, CURRENCY, CUSTOMER } from './catalogue.ts';
import { callsUntil, EXPECTED } from './expected.ts';
import { play } from './play.ts';
import type { Message } from './receiver.ts';
import type { Stage } from './stage.ts';
import type { Call } from './trace.ts';
import { waitFor } from './wait.ts';

const ALERT = 'alert.triggered';
const SPEND_REFRESH_MS = 150;
const TRACE_FROM = '2023-11-16T18:00:00Z';
const TRACE_TO = '2023-11-16T19:15:00Z';

/** Plays the trace, with live spend beside the bar and alerts as they arrive; then waits until every call counts. */
export async function playTrace(stage: Stage, trace: readonly Call[], playMs: number): Promise<void> {
  const { url, key, terminal, receiver, signal } = stage;
  const progress = startProgress(terminal, 'playing', trace.length);
  const trackedMs = new Float64Array(trace.length);
  const crossings = callsUntil(trace, BUDGET.cents);
  receiver.onMessage((message) => {
    if (message.type === ALERT) progress.note(alertText(message, stage, { trackedMs, crossings }));
  });
  const live = watchSpend(stage);
  try {
    const onProgress = (told: number, time: string) =>
      progress.update(told, `${time.slice(11, 19)} UTC, ${groupDigits(String(told))} calls, spend ${live.total()} ${CURRENCY}`);
    const { counters, durationMs } = await play(trace, { url, key, playMs, trackedMs, signal, onProgress });
    await waitFor(
      'usage to be complete',
      async () => ((await total(stage, 'calls')) === String(counters.sent) ? true : undefined),
      { signal },
    );
    await waitFor(
      'the alerts',
      () => (alertsOf(stage).length >= crossings.filter((at) => at !== undefined).length ? true : undefined),
      { signal },
    );
    progress.stop();
    const seconds = (durationMs / 1000).toFixed(1);
    terminal.print(
      `  ${groupDigits(String(counters.sent))} calls stored in ${seconds} s; retried ${counters.retried}, dropped ${counters.dropped}.`,
    );
  } finally {
    progress.stop();
    await live.stop();
  }
}

/** Totals and the busiest minute, beside the expected ones. */
export async function checkUsage(stage: Stage): Promise<void> {
  const { checks, terminal } = stage;
  checks.expect('calls', await total(stage, 'calls'), EXPECTED.calls);
  checks.expect('input tokens', await total(stage, 'input_tokens'), EXPECTED.inputTokens);
  checks.expect('output tokens', await total(stage, 'output_tokens'), EXPECTED.outputTokens);
  const { rows } = await usageOf(stage, 'calls', 'minute');
  const busiest = rows.toSorted((one, other) => other.events - one.events)[0];
  checks.expect('busiest minute', busiest?.from ?? 'none', EXPECTED.busiestMinute.from);
  checks.expect('calls in that minute', busiest?.value ?? '0', EXPECTED.busiestMinute.calls);
  checks.expect('live spend', await spentSoFar(stage.client), EXPECTED.total);
  const fired = alertsOf(stage).map(({ data }) => String(data['threshold']));
  checks.expect('alerts, each once', fired.join(' and '), '100.00 and 80%');
  terminal.print(checks.text());
}

/** Moves time past the end of the month and waits for the scheduled run to issue the invoice. Answers its id. */
export async function checkInvoice(stage: Stage): Promise<InvoiceDocument> {
  const { checks, client, terminal, receiver, signal } = stage;
  const movedMs = performance.now();
  await client.post('/v1/clock', { now: '2023-12-01T00:10:00Z' });
  const message = await waitFor('the invoice', () => receiver.messages.find(({ type }) => type === 'invoice.finalized'), {
    signal,
  });
  const invoice = (await client.get(route`/v1/invoices/${String(message.data['invoice'])}`)) as InvoiceDocument;
  const seconds = ((message.arrivedMs - movedMs) / 1000).toFixed(1);
  terminal.print(`  invoice.finalized for ${invoice.number} arrived ${seconds} s after the clock was moved.\n`);
  terminal.print(`${invoiceText(invoice, terminal)}\n`);
  for (const [key, expected] of Object.entries(EXPECTED.lines)) {
    checks.expect(key, invoice.lines.find((line) => line.key === key)?.amount ?? 'none', expected);
  }
  checks.expect('total', invoice.total, EXPECTED.total);
  checks.expect('webhooks refused', String(receiver.refused()), '0');
  checks.expect('alerts in all', String(alertsOf(stage).length), '2');
  terminal.print(checks.text());
  return invoice;
}

/** Has the server compare log, ledger, usage and invoices. */
export async function checkReconciliation({ client, terminal, checks }: Stage): Promise<void> {
  const reconciliation = (await client.get('/v1/reconciliation')) as Reconciliation;
  terminal.print(`${reconciliationText(reconciliation, terminal)}\n`);
  checks.expect('reconciliation', reconciliation.holds ? 'holds' : 'differs', 'holds');
  terminal.print(checks.text());
}

interface Crossings {
  readonly trackedMs: Float64Array;
  /** Per threshold of the budget, the number of calls at which spend reaches it. */
  readonly crossings: readonly (number | undefined)[];
}

function alertText({ data, arrivedMs }: Message, { terminal }: Stage, { trackedMs, crossings }: Crossings): string {
  const threshold = String(data['threshold']);
  const call = crossings[BUDGET.thresholds.findIndex((each) => each === threshold)];
  const latency =
    call === undefined
      ? ''
      : `, ${(arrivedMs - (trackedMs[call - 1] ?? 0)).toFixed(0)} ms after call ${groupDigits(String(call))} crossed it`;
  const text = `alert by webhook: spend ${String(data['spend'])} ${CURRENCY} reached ${threshold} of the budget${latency} (signature verified)`;
  return `  ${terminal.paint('yellow', '!')} ${text}`;
}

function alertsOf({ receiver }: Stage): readonly Message[] {
  return receiver.messages.filter(({ type }) => type === ALERT);
}

/** Keeps asking for spend, as a dashboard would. */
function watchSpend({ client, signal }: Stage): { total: () => string; stop: () => Promise<void> } {
  let latest = '0.00';
  const stopping = new AbortController();
  const watch = async () => {
    while (!stopping.signal.aborted && !signal.aborted) {
      latest = await spentSoFar(client);
      await sleep(SPEND_REFRESH_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const watching = watch();
  // Told where it is awaited; until then it must not count as unhandled.
  watching.catch(() => undefined);
  return {
    total: () => latest,
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

async function spentSoFar(client: Client): Promise<string> {
  return ((await client.get(route`/v1/customers/${CUSTOMER}/spend`)) as { total: string }).total;
}

async function usageOf({ client }: Stage, meter: string, window?: string): Promise<Usage> {
  const range = { from: TRACE_FROM, to: TRACE_TO };
  return (await client.get(route`/v1/meters/${meter}/usage`, { ...range, window, customer: CUSTOMER })) as Usage;
}

async function total(stage: Stage, meter: string): Promise<string> {
  return (await usageOf(stage, meter)).rows[0]?.value ?? '0';
}
