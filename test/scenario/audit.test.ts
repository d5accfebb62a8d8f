import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSettings } from '@meterline/runtime/config';
import { createLogger } from '@meterline/runtime/logging';
import { startStandalone } from '@meterline/standalone';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CHANGES, CHANGES_NOTHING } from './audited-routes.ts';

interface AuditItem {
  readonly type: string;
  readonly object: string;
  readonly action: string;
  readonly at: string;
  readonly requestId: string | null;
  readonly actor: { readonly type: string; readonly id: string | null; readonly name: string | null };
  readonly changes: readonly { readonly path: string; readonly before?: unknown; readonly after?: unknown }[];
}

const NOW = '2026-03-15T12:00:00Z';
const stops: (() => Promise<unknown> | void)[] = [];
let url: string;
let adminKey: string;

beforeAll(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-audit-'));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  const started = await startStandalone({
    settings: readSettings({
      METERLINE_PORT: '0',
      METERLINE_DATA: folder,
      METERLINE_TEST_CLOCK: NOW,
      METERLINE_WEBHOOK_ALLOW: 'loopback',
    }),
    logger: createLogger({ level: 'silent', service: 'test' }),
    onStop: (_part, stop) => void stops.push(stop),
  });
  url = started.url;
  adminKey = started.adminKey.token;
});
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function call(method: string, route: string, body?: object) {
  const answer = await fetch(url + route, {
    method,
    headers: { authorization: `Bearer ${adminKey}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const document = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: answer.status, requestId: answer.headers.get('x-request-id'), body: document };
}

async function audit(query = ''): Promise<readonly AuditItem[]> {
  const { status, body } = await call('GET', `/v1/audit?limit=1000${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body['items'] as AuditItem[];
}

/** Says 410 Gone to everything: the server then disables the endpoint by itself. */
async function receiverThatIsGone(): Promise<string> {
  const receiver = createServer((_request, response) => void response.writeHead(410).end());
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  stops.push(() => void receiver.close());
  return `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
}

describe('the audit trail over HTTP', () => {
  test('every route that changes anything is known here: none can be added and leave no record', async () => {
    const { body } = await call('GET', '/openapi.json');
    const routes = Object.entries(body['paths'] as Record<string, object>).flatMap(([route, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== 'get' && method !== 'options')
        .map((method) => `${method.toUpperCase()} ${route}`),
    );
    const known = [...Object.keys(CHANGES), ...Object.keys(CHANGES_NOTHING)];
    expect(routes.filter((route) => !known.includes(route))).toEqual([]);
    expect(known.filter((route) => !routes.includes(route))).toEqual([]);
  });

  test('every one of them leaves a record of its request, its key and its time', async () => {
    const answers: Record<string, Record<string, unknown>> = { receiver: { url: await receiverThatIsGone() } };
    for (const [route, change] of Object.entries(CHANGES)) {
      if (route.endsWith('/enable')) await disabledByItself(String(answers['POST /v1/webhook-endpoints']?.['id']));
      const [method = '', template = ''] = route.split(' ');
      const answer = await call(method, change.path?.(answers) ?? template, change.body?.(answers));
      expect(answer.status, `${route}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
      answers[route] = answer.body;
      const records = (await audit()).filter(({ requestId }) => requestId === answer.requestId);
      expect(
        records.map(({ type }) => type),
        route,
      ).toContain(change.type);
      for (const record of records) {
        expect(record.actor, route).toMatchObject({ type: 'api_key', name: 'admin' });
        expect(adminKey).toContain(record.actor.id);
        expect(record.changes.length, route).toBeGreaterThan(0);
        // The test clock ticks.
        expect(Date.parse(record.at) - Date.parse(NOW)).toBeGreaterThanOrEqual(0);
        expect(Date.parse(record.at) - Date.parse(NOW)).toBeLessThan(600_000);
      }
    }
    expect(JSON.stringify(await audit())).not.toContain(answers['POST /v1/webhook-endpoints']?.['secret']);
    expect(JSON.stringify(await audit())).not.toContain(adminKey.slice(-40));
  });

  /** The server gives up on a receiver that is gone, and says so itself. */
  async function disabledByItself(endpoint: string): Promise<void> {
    await call('POST', `/v1/webhook-endpoints/${endpoint}/test`);
    const [record] = await vi.waitFor(
      async () => {
        const found = await audit(`&object=${endpoint}&actor=system`);
        expect(found).toHaveLength(1);
        return found;
      },
      { timeout: 30_000, interval: 50 },
    );
    expect(Date.parse(record?.at ?? '') - Date.parse(NOW)).toBeLessThan(600_000);
    expect(record).toMatchObject({ action: 'update', requestId: null, actor: { type: 'system', id: null, name: null } });
    expect(record?.changes.find(({ path: field }) => field === 'disabledReason')).toEqual({
      path: 'disabledReason',
      before: null,
      after: 'the receiver answered 410 Gone',
    });
  }

  test('shows the fields that changed, and nothing where a request changes nothing', async () => {
    await call('POST', '/v1/customers', { key: 'globex', name: 'Globex', currency: 'USD', subjects: ['g1', 'g2'] });
    await call('PATCH', '/v1/customers/globex', { name: 'Globex Corporation', subjects: ['g1', 'g3'] });
    await call('PATCH', '/v1/customers/globex', { name: 'Globex Corporation' });
    const refused = await call('POST', '/v1/customers', { key: 'globex', name: 'Again', currency: 'USD', subjects: [] });
    expect(refused.status).toBe(409);
    const records = await audit('&type=customer&object=globex');
    expect(records.map(({ action }) => action)).toEqual(['update', 'create']);
    expect(records[0]?.changes).toEqual([
      { path: 'name', before: 'Globex', after: 'Globex Corporation' },
      { path: 'subjects[1]', before: 'g2', after: 'g3' },
    ]);
  });

  test('pages by cursor, and refuses what it cannot answer with the field and the rule', async () => {
    const whole = (await audit()).map(({ type, object, at }) => [type, object, at]);
    const paged: unknown[] = [];
    let cursor = '';
    for (;;) {
      const { body } = await call('GET', `/v1/audit?limit=3${cursor}`);
      paged.push(...(body['items'] as AuditItem[]).map(({ type, object, at }) => [type, object, at]));
      if (body['nextCursor'] === null) break;
      cursor = `&cursor=${String(body['nextCursor'])}`;
    }
    expect(paged).toEqual(whole);
    for (const [query, field] of [
      ['from=yesterday', 'from'],
      ['from=2026-03-16T00:00:00Z&to=2026-03-16T00:00:00Z', 'to'],
      ['limit=0', 'limit'],
      ['cursor=WyJ4Il0', 'cursor'],
      ['who=me', 'who'],
    ]) {
      const { status, body } = await call('GET', `/v1/audit?${query}`);
      expect([status, (body['errors'] as { path: string }[]).map(({ path: at }) => at)], query).toEqual([400, [field]]);
    }
  });
});
