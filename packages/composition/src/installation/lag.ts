import type { EventLog, SegmentLedger } from '@meterline/pipeline/ports';

const LAG_REFRESH_MS = 500;

/** Keeps at hand how many records of the log (or of some partitions) are not usage yet: ingest asks with every request. */
export function watchLag(log: EventLog, ledger: Pick<SegmentLedger, 'committedCut'>, ofPartitions?: () => readonly number[]) {
  let events = 0;
  let isLooking = false;
  const all = Array.from({ length: log.partitionCount }, (_, partition) => partition);

  async function look(): Promise<void> {
    // The cut first: what is committed between the two looks is not counted as a negative lag.
    const cut = await ledger.committedCut(log.logId);
    const behind = (ofPartitions?.() ?? all).map(async (partition) => (await log.bounds(partition)).next - (cut[partition] ?? 0));
    events = (await Promise.all(behind)).reduce((sum, records) => sum + records, 0);
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    // An unknown lag keeps its last figure; the health checks tell why it is unknown.
    look().catch(() => undefined).finally(() => (isLooking = false)); // prettier-ignore
  }, LAG_REFRESH_MS);
  return { events: (): number => events, stop: (): void => clearInterval(timer) };
}

/** Half-way to where ingest answers 503 (0 = never), an operator should look. */
export function farBehind(events: number, eventsMax: number): string | undefined {
  return eventsMax > 0 && events > eventsMax / 2 ? `${events} records are not usage yet` : undefined;
}
