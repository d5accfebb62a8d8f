import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Database } from '@meterline/pipeline/ports';
import { readSettings } from '@meterline/runtime/config';
import { createLogger } from '@meterline/runtime/logging';
import { startStandalone } from '@meterline/standalone';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHANGES } from './audited-routes.ts';

const stops: (() => Promise<unknown> | void)[] = [];
let url: string;
let vendorKey: string;
let database: Database;

beforeAll(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-deletion-'));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  const started = await startStandalone({
    settings: readSettings({ METERLINE_PORT: '0', METERLINE_DATA: folder, METERLINE_TEST_CLOCK: '2026-03-15T12:00:00Z' }),
    logger: createLogger({ level: 'silent', service: 'test' }),
    onStop: (_part, stop) => void stops.push(stop),
    decorate: { database: (opened) => (database = opened) },
  });
  url = started.url;
  vendorKey = started.adminKey.token;
}, 240_000);
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function ask(key: string, method: string, route: string, body?: unknown) {
  const answer = await fetch(url + route, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

async function call(key: string, method: string, route: string, body?: unknown): Promise<Record<string, unknown>> {
  const answer = await ask(key, method, route, body);
  expect(answer.status, `${method} ${route}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

/** How many rows each table of the billing store has of the tenant; those with none are left out. */
async function rowsOf(tenant: string): Promise<Record<string, number>> {
  const tables = await database.query<{ name: string }>(
    `select table_name as name from information_schema.columns where column_name = 'tenant' and table_schema = 'public' order by 1`,
  );
  const rows: [string, number][] = [];
  for (const { name } of tables) {
    const [row] = await database.query<{ n: number }>(`select count(*)::integer as n from "${name}" where tenant = $1`, [tenant]);
    rows.push([name, row?.n ?? 0]);
  }
  return Object.fromEntries(rows.filter(([, count]) => count > 0));
}

const make = (key: string) => call(vendorKey, 'POST', '/v1/sandboxes', { key, name: key });

/** The same event, of the same id, in every sandbox. */
async function sendTheEvent(key: string): Promise<void> {
  await call(key, 'POST', '/v1/meters', { key: 'minutes', eventType: 'used', aggregation: 'sum', valueProperty: '$.n' });
  const { now } = await call(key, 'GET', '/v1/clock');
  await call(key, 'POST', '/v1/events', [
    { specversion: '1.0', id: 'e1', source: 'test', type: 'used', subject: 'a', time: now, data: { n: 5 } },
  ]);
}

async function minutes(key: string): Promise<unknown> {
  const { rows } = await call(key, 'GET', '/v1/meters/minutes/usage?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z');
  return (rows as { value: string; events: number }[])[0];
}

/** Whatever can be set is set, and two months of it are billed and told. */
async function fill(key: string): Promise<void> {
  await sendTheEvent(key);
  await call(key, 'POST', '/v1/webhook-endpoints', { url: 'https://receiver.example/', events: ['invoice.finalized'] });
  const rateCards = [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '1.00' } }];
  await call(key, 'POST', '/v1/plans', {
    ...{ key: 'trial', name: 'Trial', currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
    rateCards,
    phases: [{ key: 'trial', name: 'Trial', lasts: { days: 14 }, percentOff: '100', trial: { converts: 'always' } }],
  });
  await call(key, 'POST', '/v1/customers', { key: 'trying', name: 'Trying', currency: 'USD', subjects: ['t'] });
  await call(key, 'POST', '/v1/subscriptions', { customer: 'trying', plan: 'trial' });
  await call(key, 'POST', '/v1/plans/trial/versions', { rateCards });
  await call(key, 'POST', '/v1/plans/trial/moves', { toVersion: 2, when: 'renewal' });
  await call(key, 'POST', '/v1/alert-rules', { key: 'any', customer: 'trying', thresholds: ['0.50'] });
  const answers: Record<string, Record<string, unknown>> = { receiver: { url: 'https://receiver.example/' } };
  for (const [route, change] of Object.entries(CHANGES)) {
    if (route.includes('/sandboxes') || route.endsWith('/enable')) continue;
    const [method = '', template = ''] = route.split(' ');
    answers[route] = await call(key, method, change.path?.(answers) ?? template, change.body?.(answers));
  }
  await call(key, 'POST', '/v1/clock', { advance: 'P2M' });
  const movingTo = async () => (await call(key, 'GET', '/v1/clock'))['movingTo'];
  await expect.poll(movingTo, { timeout: 120_000 }).toBeNull();
}

it(
  'a deleted sandbox is gone at once and its rows soon after, those of others stay, and its key begins anew',
  { timeout: 240_000 },
  async () => {
    const [first, other] = [await make('try'), await make('other')].map(({ apiKey }) => String(apiKey));
    if (first === undefined || other === undefined) throw new Error('no keys');
    await sendTheEvent(other);
    await fill(first);
    const filled = await rowsOf('default/try');
    // Fewer would mean that the test does not say much.
    expect(Object.keys(filled)).toEqual(expect.arrayContaining(['invoice', 'prepaid_movement', 'audit_record', 'price_change', 'negotiated_price', 'alert_occurrence', 'trial_notice', 'webhook_delivery', 'plan_move_step', 'subscription_upgrade'])); // prettier-ignore
    const ofOthers = [await rowsOf('default/other')];

    expect((await ask(vendorKey, 'DELETE', '/v1/sandboxes/nobody')).body['code']).toBe('sandbox.unknown');
    expect((await ask(other, 'DELETE', '/v1/sandboxes/try')).body['code']).toBe('sandbox.unknown');
    expect((await ask(vendorKey, 'DELETE', '/v1/sandboxes/try')).status).toBe(204);
    expect((await ask(vendorKey, 'GET', '/v1/sandboxes/try')).body['code']).toBe('sandbox.unknown');
    await expect.poll(async () => (await ask(first, 'GET', '/v1/customers')).status, { timeout: 30_000 }).toBe(401);
    const { items } = await call(vendorKey, 'GET', '/v1/audit?type=sandbox&object=try');
    expect((items as { action: string }[]).map(({ action }) => action)).toEqual(['delete', 'create']);

    const again = await make('try');
    expect(again['tenant']).toBe('default/try/2');
    const second = String(again['apiKey']);
    expect((await call(second, 'GET', '/v1/customers'))['items']).toEqual([]);
    await sendTheEvent(second);
    // The id was used by the first one: this one never saw it.
    await expect.poll(() => minutes(second), { timeout: 30_000 }).toMatchObject({ value: '5', events: 1 });

    // What somebody who was let in before has written since goes too.
    await database.query(`insert into customer (key, name, currency, timezone, created_at, tenant) values ('late', 'Late', 'USD', 'UTC', now(), 'default/try')`); // prettier-ignore
    await call(vendorKey, 'POST', '/v1/clock', { advance: 'PT2M' });
    const swept = async () => (await database.query('select key from sandbox_removal where swept_at is not null')).length;
    await expect.poll(swept, { timeout: 120_000 }).toBe(1);
    // Its meters tell how the log was read, and nobody reads them by a key.
    expect(Object.keys(await rowsOf('default/try'))).toEqual(['meter', 'meter_backfill']);
    expect([await rowsOf('default/other')]).toEqual(ofOthers);
    expect(await minutes(other)).toMatchObject({ value: '5' });
    expect((await call(second, 'GET', '/v1/audit'))['items']).toHaveLength(3);
    const { invariants } = await call(vendorKey, 'GET', '/v1/reconciliation');
    expect((invariants as { differences: string[] }[]).flatMap(({ differences }) => differences)).toEqual([]);
    expect((await ask(vendorKey, 'GET', '/readyz')).body).toMatchObject({ status: 'ready' });
  },
);
