import type { AggregationLimits, AggregationStep, AggregatorPorts, CycleResult } from '@meterline/pipeline/aggregation';
import type { AcceptanceWindow, Clock, RollupLedger, RollupStore } from '@meterline/pipeline/ports';
import type { Logger } from '@meterline/runtime/logging';
import type { Duty } from './duty.ts';

export interface AggregatorDeps extends AggregatorPorts {
  readonly rollupLedger: RollupLedger;
  readonly rollupStore: RollupStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How this process comes to its partitions. `isWorking` turns false while a cycle hangs. */
  readonly duty: (isWorking: () => boolean) => Duty | Promise<Duty>;
  /** How long an id may come back: at least the acceptance window of every segment to come. */
  readonly acceptance: AcceptanceWindow;
  readonly limits?: AggregationLimits;
  /** Least time from the beginning of one cycle to the next while there is no backlog: inserts have a fixed price. Default 100. */
  readonly cycleIntervalMs?: number;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
  /** After a commit; what it woke is already in the billing store. */
  onCommitted?(result: CycleResult): void;
  onError?(error: unknown): void;
}
