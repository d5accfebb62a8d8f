import type {
  Database,
  DeliveryQueue,
  EventLog,
  InvoiceStore,
  RatingStore,
  RollupLedger,
  RollupStore,
  SegmentLedger,
  UsageStore,
} from '@meterline/pipeline/ports';

interface DecoratedPorts {
  /** Everything else of the billing store is made of it. */
  readonly database: Database;
  readonly log: EventLog;
  readonly ledger: SegmentLedger;
  readonly usage: UsageStore;
  readonly rollupLedger: RollupLedger;
  readonly rollupStore: RollupStore;
  readonly rating: RatingStore;
  readonly invoices: InvoiceStore;
  readonly deliveries: DeliveryQueue;
}

/** Tests wrap ports with these, to watch, stop or spoil what goes through them. */
export type Decorations = { readonly [Name in keyof DecoratedPorts]?: (port: DecoratedPorts[Name]) => DecoratedPorts[Name] };

export function decorated<Name extends keyof DecoratedPorts>(
  decorations: Decorations | undefined,
  name: Name,
  port: DecoratedPorts[Name],
): DecoratedPorts[Name] {
  return decorations?.[name]?.(port) ?? port;
}
