import type { AggregationLimits, AggregationStep, AggregatorPorts, CycleResult } from '@meterline/pipeline/aggregation';
import type { AcceptanceWindow, Clock, RollupLedger, RollupStore } from '@meterline/pipeline/ports';
import type { Logger } from '@meterline/runtime/logging';

export interface AggregatorDeps extends AggregatorPorts {
  readonly rollupLedger: RollupLedger;
  readonly rollupStore: RollupStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
  readonly partitions: readonly number[];
  readonly acceptance: AcceptanceWindow;
  readonly limits?: AggregationLimits;
  /** Least time from the beginning of one cycle to the next while there is no backlog: inserts have a fixed price. Default 100. */
  readonly cycleIntervalMs?: number;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
  /** After a commit; what it woke is already in the billing store. */
  onCommitted?(result: CycleResult): void;
  onError?(error: unknown): void;
}
