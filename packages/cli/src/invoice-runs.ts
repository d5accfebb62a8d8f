import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, route } from './client.ts';
import { itemsOf } from './pages.ts';

export interface InvoiceRun {
  readonly id: string;
  readonly at: string;
  readonly state: 'running' | 'complete';
  readonly invoices: number;
  readonly createdAt: string;
}

export interface InvoiceSummary {
  readonly id: string;
  readonly number: string;
  readonly kind: string;
  readonly customer: string;
  readonly plan: string;
  readonly period: { readonly from: string; readonly to: string };
  /** Of an interim invoice: the end of the usage that it bills. */
  readonly usageTo?: string;
  /** Of an interim invoice: the invoice threshold that was reached with it. */
  readonly threshold?: string;
  readonly currency: string;
  readonly total: string;
  readonly issuedAt: string;
}

const POLL_MS = 100;

/** Waits as long as it takes: a run ends, whatever crashes meanwhile. */
export async function finishedRun(client: Client, started: InvoiceRun): Promise<InvoiceRun> {
  let run = started;
  while (run.state !== 'complete') {
    await sleep(POLL_MS);
    run = (await client.get(route`/v1/invoice-runs/${run.id}`)) as InvoiceRun;
  }
  return run;
}

/** The run's invoices, newest first: the newest ones, as many as it issued (of runs at the same time, any of theirs). */
export async function issuedBy(client: Client, run: InvoiceRun): Promise<InvoiceSummary[]> {
  const invoices: InvoiceSummary[] = [];
  if (run.invoices === 0) return invoices;
  for await (const item of itemsOf(client, '/v1/invoices')) {
    invoices.push(item as InvoiceSummary);
    if (invoices.length === run.invoices) break;
  }
  return invoices;
}
