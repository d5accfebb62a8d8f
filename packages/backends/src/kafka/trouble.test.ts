import { expect, it } from 'vitest';
import { createTroubleWatch } from './trouble.ts';

it('reports a request that has had no answer for longer than allowed, until it is answered', () => {
  let nowMs = 0;
  const watch = createTroubleWatch(5_000, () => nowMs);
  const attempt = watch.begin('read', 1_000);
  nowMs = 6_000;
  expect(watch.trouble()).toBeUndefined();
  nowMs = 6_001;
  expect(watch.trouble()).toBe('Kafka: read has had no answer for 6 s');
  attempt.succeeded();
  expect(watch.trouble()).toBeUndefined();
});

it('reports a failure until the same succeeds, or the cluster is found well', () => {
  const watch = createTroubleWatch(5_000);
  watch.begin('append', 0).failed(new Error('no leader'));
  watch.begin('read', 0).succeeded();
  expect(watch.trouble()).toBe('Kafka: append fails: no leader');
  watch.begin('append', 0).succeeded();
  expect(watch.trouble()).toBeUndefined();
  watch.begin('trim', 0).failed(new Error('refused'));
  watch.healthy();
  expect(watch.trouble()).toBeUndefined();
});
