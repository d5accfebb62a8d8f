import { Fault } from '@meterline/domain/faults';
import { partitionOf } from '@meterline/pipeline/events';
import type { AppendBatch, EventLog, RecordKind } from '@meterline/pipeline/ports';

export interface NewRecord {
  readonly kind: RecordKind;
  readonly source: string;
  readonly id: string;
  readonly value: Uint8Array;
}

/**
 * Resolves once every record is durable, one append for each partition touched. If one fails, so does the whole with 503
 * `ingest.not_stored`: the client sends all again, and what was stored is found to be a duplicate.
 */
export async function appendRecords(
  log: EventLog,
  tenant: string,
  times: Pick<AppendBatch, 'appendedAtMs' | 'receivedAtMs'>,
  records: readonly NewRecord[],
): Promise<void> {
  const byPartition = new Map<number, NewRecord[]>();
  for (const record of records) {
    const partition = partitionOf(tenant, record.source, record.id, log.partitionCount);
    const others = byPartition.get(partition);
    if (others) others.push(record);
    else byPartition.set(partition, [record]);
  }
  const appends = [...byPartition].map(([partition, batch]) => log.append({ partition, tenant, ...times, records: batch }));
  const outcomes = await Promise.allSettled(appends);
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
  if (failures.length > 0) {
    throw new Fault('unavailable', 'ingest.not_stored', 'The events could not be stored; send them again.', {
      retryAfterSeconds: 1,
      cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
    });
  }
}
