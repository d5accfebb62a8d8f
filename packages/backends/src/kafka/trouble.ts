export type KafkaOperation = 'append' | 'read' | 'watch' | 'bounds' | 'trim' | 'health';

export interface Attempt {
  succeeded(): void;
  failed(error: unknown): void;
}

export interface TroubleWatch {
  /** A request goes out that the broker may take `allowedMs` to answer. */
  begin(operation: KafkaOperation, allowedMs: number): Attempt;
  /** The cluster as a whole answered that it is well: failures from before are over. */
  healthy(): void;
  /** Why the log is stuck, or undefined. */
  trouble(): string | undefined;
}

/**
 * Keeps account of what is under way and how it last went, so that a broker that answers nothing is seen as well as one that answers
 * errors. `stuckAfterMs`: how much later than allowed an answer may come.
 */
export function createTroubleWatch(stuckAfterMs: number, nowMs: () => number = () => performance.now()): TroubleWatch {
  const underWay = new Map<symbol, { readonly operation: KafkaOperation; readonly startedMs: number; readonly lateMs: number }>();
  const failures = new Map<KafkaOperation, string>();

  return {
    begin(operation, allowedMs) {
      const key = Symbol(operation);
      const startedMs = nowMs();
      underWay.set(key, { operation, startedMs, lateMs: startedMs + allowedMs + stuckAfterMs });
      return {
        succeeded() {
          underWay.delete(key);
          failures.delete(operation);
        },
        failed(error) {
          underWay.delete(key);
          failures.set(operation, `Kafka: ${operation} fails: ${error instanceof Error ? error.message : String(error)}`);
        },
      };
    },
    healthy() {
      failures.clear();
    },
    trouble() {
      const now = nowMs();
      for (const { operation, startedMs, lateMs } of underWay.values())
        if (now > lateMs) return `Kafka: ${operation} has had no answer for ${Math.round((now - startedMs) / 1000)} s`;
      const [failure] = failures.values();
      return failure;
    },
  };
}
