import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Prometheus metrics of one process (a registry of its own, nothing global). Every name gets the prefix `meterline_`. */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labelNames?: readonly L[]): Counter<L>;
  histogram<L extends string = never>(
    name: string,
    help: string,
    options: { labelNames?: readonly L[]; buckets: readonly number[] },
  ): Histogram<L>;
  /** With `collect`, the value is asked for at every scrape instead of being set. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    options?: { labelNames?: readonly L[]; collect?: () => number },
  ): Gauge<L>;
  /** The text exposition format. */
  expose(): Promise<{ contentType: string; body: string }>;
}

const PREFIX = 'meterline_';

/** `processMetrics: false` leaves out CPU, memory, event loop and garbage collection (tests). */
export function createMetrics(options: { readonly processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const registers = [registry];
  return {
    counter: (name, help, labelNames = []) => new Counter({ name: PREFIX + name, help, labelNames: [...labelNames], registers }),
    histogram: (name, help, { labelNames = [], buckets }) =>
      new Histogram({ name: PREFIX + name, help, labelNames: [...labelNames], buckets: [...buckets], registers }),
    gauge: (name, help, { labelNames = [], collect } = {}) => {
      const gauge = new Gauge({
        name: PREFIX + name,
        help,
        labelNames: [...labelNames],
        registers,
        ...(collect && {
          collect() {
            this.set(collect());
          },
        }),
      });
      return gauge;
    },
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
