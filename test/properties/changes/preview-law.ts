import assert from 'node:assert/strict';
import { type InvoiceDocument, totalOf } from '@meterline/domain/invoices';
import { parseInstantMs } from '@meterline/domain/time';
import type { Database } from '@meterline/pipeline/ports';
import type { ChangePreview } from '@meterline/pipeline/subscription-changes';
import fc from 'fast-check';
import { type Asked, life, type Life, requestOf } from '../../support/subscription-arbitraries.ts';
import { changeNow, previewNow } from '../../support/subscription-changes.ts';
import { bill, documents, outcomeOf, subscribed, type Subscribed, take, use } from '../../support/subscription-life.ts';
import type { Law } from '../law.ts';
import { chargedByPeriod, isOfPeriod } from './charged.ts';

const HOUR_MS = 3_600_000;
const TITLE = 'any plans, history and change: what a preview shows is what executing it charges, document by document';

/** Each case has a tenant of its own. */
export function previewLaw(database: Database): Law {
  return { title: TITLE, property: fc.asyncProperty(life, (lived) => previewIsExecution(database, lived)) };
}

async function previewIsExecution(database: Database, lived: Life): Promise<void> {
  const own = await subscribed(database, lived.beginning);
  const { it, subscription } = own;
  let nowMs = lived.beginning.startsAtMs;
  for (const step of lived.history) await take(own, step, (nowMs += step.afterHours * HOUR_MS));
  await use(it, lived.last, (nowMs += lived.last.afterHours * HOUR_MS));
  const preview = await firstAllowed(own, lived.requests);
  if (preview === undefined) return;
  const known = new Set((await documents(it)).map(({ number }) => number));
  await changeNow(it, subscription, { token: preview.token });
  const billAt = async (atMs: number) => {
    it.clock.moveTo(Math.max(it.clock.nowMs(), atMs));
    await bill(it);
  };
  const issued = async () => (await documents(it)).filter(({ number }) => !known.has(number));
  await billAt(nowMs);
  same((await issued()).filter(isOfPeriod).map(rated), preview.now.map(rated));

  for (const atMs of runsThrough(preview, lived.runs, nowMs)) await billAt(atMs);
  same((await issued()).filter((each) => !isOfPeriod(each)).map(content), preview.documents.map(content));

  const shown = [...preview.now, ...preview.next];
  await billAt(Math.max(nowMs, ...shown.map(dueMs)));
  sameCharges(await issued(), shown, preview.documents);
}

/** The preview of the first change that may be made. What may not is refused in the same words when it is asked for. */
async function firstAllowed({ it, subscription }: Subscribed, requests: readonly Asked[]): Promise<ChangePreview | undefined> {
  for (const each of requests) {
    const request = requestOf(each, it.clock.nowMs());
    const preview = await outcomeOf(previewNow(it, subscription, request));
    if (typeof preview !== 'string') return preview;
    assert.equal(await outcomeOf(changeNow(it, subscription, request)), preview);
  }
  return undefined;
}

/** Whenever something is due before everything of `documents` is; and other times, at which runs must find nothing else. */
function runsThrough(
  { decided, documents: shown, now, next }: ChangePreview,
  percents: readonly number[],
  nowMs: number,
): number[] {
  const interimsMs = shown.flatMap(({ interim }) => parseInstantMs(interim?.usageTo ?? '') ?? []);
  const throughMs = Math.max(nowMs, decided.update.fromMs, decided.change.fromMs, ...interimsMs);
  const between = percents.map((percent) => Math.round(nowMs + ((throughMs - nowMs) * percent) / 100));
  const bounds = [...now, ...next].flatMap((each) => [parseInstantMs(each.period.from) ?? NaN, dueMs(each)]);
  const instants = [...new Set([...bounds, ...interimsMs, ...between, throughMs])];
  return instants.filter((atMs) => atMs > nowMs && atMs <= throughMs).toSorted((a, b) => a - b);
}

/** The invoices are rated as shown, and with everything that billed their periods since they come to what was shown. */
function sameCharges(
  issued: readonly InvoiceDocument[],
  shown: readonly InvoiceDocument[],
  beside: readonly InvoiceDocument[],
): void {
  const begun = new Set(shown.map(({ period }) => period.from));
  same(issued.filter((each) => isOfPeriod(each) && begun.has(each.period.from)).map(rated), shown.map(rated));
  const extra = beside.filter(({ period }) => !begun.has(period.from));
  const periods = new Set([...begun, ...extra.map(({ period }) => period.from)]);
  const own = issued.filter(({ period }) => periods.has(period.from));
  assert.deepEqual(chargedByPeriod(own), chargedByPeriod([...shown, ...extra]));
  // Credits may pay for other documents than those they are shown on: for what a credit note gives back first, or for a period that is not shown.
  const isElsewhere = (each: InvoiceDocument) =>
    each.creditNote !== undefined || (!own.includes(each) && each.prepaid !== undefined);
  if ([...issued, ...beside].some(isElsewhere)) return;
  assert.equal(paid(own), paid([...shown, ...extra]));
}

const dueMs = ({ period }: InvoiceDocument): number => parseInstantMs(period.to) ?? NaN;

function paid(all: readonly InvoiceDocument[]): string {
  return totalOf(all.map(({ total }) => ({ amount: total })), 'USD'); // prettier-ignore
}

function same(issued: readonly string[], shown: readonly string[]): void {
  assert.deepEqual(issued.toSorted(), shown.toSorted());
}

const amounts = (of: readonly { readonly key: string; readonly amount: string }[] = []) =>
  of.map(({ key, amount }) => [key, amount]);

/** What a document charges, whatever was billed of it before. */
function rated({ kind, plan, planVersion, phase, period, lines, adjustments, commitments = [] }: InvoiceDocument): string {
  const quantities = lines.map(({ quantity }) => quantity);
  const committed = commitments.map(({ minimum, maximum, spend, due }) => [minimum, maximum, spend, due]);
  return JSON.stringify([kind, plan, planVersion, phase, period, quantities, amounts(lines), amounts(adjustments), committed]);
}

/** All that it says but its number and time, and those of others. */
function content(document: InvoiceDocument): string {
  const { billedInAdvance, billedOnInterims, commitments, interim, creditNote, prepaid, total } = document;
  const note = creditNote && [creditNote.amount, creditNote.treatment, creditNote.reason, creditNote.lines];
  const off = [amounts(billedInAdvance), amounts(billedOnInterims)];
  return JSON.stringify([rated(document), off, commitments, interim, note, prepaid?.credited ?? '0.00', total]);
}
