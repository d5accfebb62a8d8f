import { expect, it } from 'vitest';
import { createMetrics } from './index.ts';

it('exposes what was counted, with the process metrics, under one prefix', async () => {
  const metrics = createMetrics();
  metrics.counter('events_total', 'Events', ['outcome']).inc({ outcome: 'accepted' }, 3);
  metrics.gauge('lag_events', 'Lag', { collect: () => 42 });
  const { body, contentType } = await metrics.expose();
  expect(contentType).toContain('text/plain');
  expect(body).toContain('meterline_events_total{outcome="accepted"} 3');
  expect(body).toContain('meterline_lag_events 42');
  expect(body).toContain('meterline_process_cpu_seconds_total');
});

it('keeps the metrics of two processes in one apart', () => {
  createMetrics().counter('same_total', 'x');
  expect(() => createMetrics().counter('same_total', 'x')).not.toThrow();
});
