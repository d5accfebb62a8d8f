import type { AggregationStep } from '@meterline/pipeline/aggregation';
import type { Decorations } from '@meterline/standalone';
import { lifeDecorations, type LifeStep } from './life/steps.ts';

/** Named points of the way from a request to an invoice, in the order in which an event passes them. */
export const TRAFFIC_STEPS = [
  'append.before',
  'append.after',
  'acquired',
  'read',
  'planned',
  'written.ahead',
  'derived',
  'written.event_key',
  'written.event',
  'written.refused_event',
  'written.usage_delta',
  'written',
  'committed',
  'sealing.compared',
  'sealing.sealed',
  'compaction.planned',
  'compaction.written',
  'compaction.committed',
  'rating.read',
  'rating.evaluated',
  'rating.concluded',
  'delivery.claimed',
  'delivery.sent',
  'delivery.recorded',
] as const satisfies readonly (AggregationStep | `${string}.${string}`)[];

/** Passed when a billing period ends. */
export const INVOICE_STEPS = [
  'run.scheduled',
  'invoice.drafted',
  'invoice.issued',
  'run.completing',
  'run.completed',
  'run.requested',
] as const;

export type Step = (typeof TRAFFIC_STEPS)[number] | (typeof INVOICE_STEPS)[number] | LifeStep;

/** Ports that tell `reach` about every step that the use cases themselves do not name. */
export function stepDecorations(reach: (step: Step) => void): Decorations {
  async function around<T>(
    before: Step | undefined,
    work: () => Promise<T>,
    after?: Step,
    counts: (result: T) => boolean = () => true,
  ): Promise<T> {
    if (before !== undefined) reach(before);
    const result = await work();
    if (after !== undefined && counts(result)) reach(after);
    return result;
  }
  const some = (list: readonly unknown[]): boolean => list.length > 0;

  return {
    ...lifeDecorations(reach),
    log: (log) => ({ ...log, append: (batch) => around('append.before', () => log.append(batch), 'append.after') }),
    ledger: (ledger) => ({
      ...ledger,
      seal: (logId, segments) => around('sealing.compared', () => ledger.seal(logId, segments), 'sealing.sealed'),
    }),
    rollupLedger: (ledger) => ({
      ...ledger,
      planRollups: (logId, rule) => around(undefined, () => ledger.planRollups(logId, rule), 'compaction.planned', some),
      commitRollup: (logId, range) => around(undefined, () => ledger.commitRollup(logId, range), 'compaction.committed'),
    }),
    rollupStore: (store) => ({
      ...store,
      writeRollup: (range) => around(undefined, () => store.writeRollup(range), 'compaction.written'),
    }),
    rating: (store) => ({
      ...store,
      waiting: (limit, except) => around(undefined, () => store.waiting(limit, except), 'rating.read', some),
      conclude: (occurrences, consumed, tenant) =>
        around('rating.evaluated', () => store.conclude(occurrences, consumed, tenant), 'rating.concluded'),
    }),
    deliveries: (queue) => ({
      ...queue,
      claimDue: (claim) => around(undefined, () => queue.claimDue(claim), 'delivery.claimed', some),
      recordAttempt: (delivery, result, next) =>
        around('delivery.sent', () => queue.recordAttempt(delivery, result, next), 'delivery.recorded'),
    }),
    invoices: (store) => ({
      ...store,
      startScheduled: (draft, nextRunAtMs) => around(undefined, () => store.startScheduled(draft, nextRunAtMs), 'run.scheduled'),
      insertRun: (draft) => around(undefined, () => store.insertRun(draft), 'run.requested'),
      issue: (draft, tenant) => around('invoice.drafted', () => store.issue(draft, tenant), 'invoice.issued'),
      completeRun: (id, nowMs, tenant) => around('run.completing', () => store.completeRun(id, nowMs, tenant), 'run.completed'),
    }),
  };
}
