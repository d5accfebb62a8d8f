import { expect, test } from 'vitest';
import { type AttemptResult, nextStep, retryAfterMs, WEBHOOK_ATTEMPTS_MAX } from './index.ts';

const answer = (status: number | null, retryAfter: number | null = null): AttemptResult => ({
  atMs: 0,
  durationMs: 1,
  status,
  error: null,
  retryAfterMs: retryAfter,
});
const noJitter = (): number => 0.5;

test('attempts follow at 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 hours, then the delivery fails', () => {
  const waits: number[] = [];
  for (let attempt = 1; attempt < WEBHOOK_ATTEMPTS_MAX; attempt += 1) {
    const next = nextStep(answer(500), attempt, 1_000, noJitter);
    waits.push(next.state === 'pending' ? (next.nextAttemptAtMs - 1_000) / 1000 : NaN);
  }
  expect(waits).toEqual([5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]);
  expect(nextStep(answer(500), WEBHOOK_ATTEMPTS_MAX, 0, noJitter)).toEqual({ state: 'failed' });
});

test('jitter stays within a tenth either way', () => {
  expect(nextStep(answer(null), 2, 0, () => 0)).toEqual({ state: 'pending', nextAttemptAtMs: 270_000 });
  expect(nextStep(answer(null), 2, 0, () => 1)).toEqual({ state: 'pending', nextAttemptAtMs: 330_000 });
});

test('only 2xx delivers; redirects and no answer are tried again; 410 disables the endpoint', () => {
  for (const status of [200, 201, 204, 299]) expect(nextStep(answer(status), 1, 0, noJitter)).toEqual({ state: 'delivered' });
  for (const status of [null, 199, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503]) {
    expect(nextStep(answer(status), 1, 0, noJitter).state).toBe('pending');
  }
  expect(nextStep(answer(410), 1, 0, noJitter)).toEqual({ state: 'failed', disableEndpoint: 'the receiver answered 410 Gone' });
});

test('Retry-After makes the wait longer, never shorter, and at most a day', () => {
  expect(nextStep(answer(429, 60_000), 1, 0, noJitter)).toEqual({ state: 'pending', nextAttemptAtMs: 60_000 });
  expect(nextStep(answer(429, 1_000), 1, 0, noJitter)).toEqual({ state: 'pending', nextAttemptAtMs: 5_000 });
  expect(nextStep(answer(503, 1e12), 1, 0, noJitter)).toEqual({ state: 'pending', nextAttemptAtMs: 86_400_000 });
});

test('Retry-After is read as seconds or as an HTTP date; anything else is no wish', () => {
  const nowMs = Date.parse('2026-11-22T01:00:00Z');
  expect(retryAfterMs('120', nowMs)).toBe(120_000);
  expect(retryAfterMs('Sun, 22 Nov 2026 01:00:30 GMT', nowMs)).toBe(30_000);
  expect(retryAfterMs('Sun, 22 Nov 2026 00:00:00 GMT', nowMs)).toBe(0);
  for (const text of [undefined, '', 'soon', '-1x']) expect(retryAfterMs(text, nowMs)).toBeNull();
});
