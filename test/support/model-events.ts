import type { TestEvent } from './pipeline.ts';

export type ModelRecord = TestEvent & { readonly kind?: 'event' | 'void' | 'replace' };

export interface ModelRow {
  readonly windowFromMs: number;
  /** '' where usage is not split. */
  readonly subject: string;
  readonly media: string;
  readonly value: string;
  readonly events: number;
}

/** An event that counts, with where it came in the log. */
export interface ModelEvent {
  readonly event: ModelRecord;
  readonly order: number;
}

const content = (event: ModelRecord): string => JSON.stringify([event.id, event.type, event.subject, event.time, event.data]);

/** Which events count in the end, told without anything of the real pipeline: first one wins, void takes away, replace stands in. */
export function effectiveEvents(records: readonly ModelRecord[], nowMs: number): ModelEvent[] {
  const byId = new Map<string, { contents: Set<string>; now: { event: ModelRecord; order: number } | null }>();
  for (const [order, record] of records.entries()) {
    const known = byId.get(record.id);
    if (record.kind === 'void') {
      if (known) known.now = null;
      continue;
    }
    const value = String(record.data?.['value']);
    const hopeless = !/^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/.test(value);
    if (record.kind === 'replace') {
      if (known && !hopeless && !(known.now && content(known.now.event) === content({ ...record, kind: 'event' })))
        known.now = { event: record, order };
      continue;
    }
    if (known || hopeless || Date.parse(record.time ?? '') < nowMs - 35 * 86_400_000) continue;
    byId.set(record.id, { contents: new Set([content(record)]), now: { event: record, order } });
  }
  return [...byId.values()].flatMap(({ now }) => (now ? [now] : []));
}
