import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { readSettings } from '@meterline/runtime/config';
import { createLogger } from '@meterline/runtime/logging';
import { startStandalone } from '@meterline/standalone';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from './chromium.ts';
import { startPageServer } from './page-server.ts';

const PROJECT = path.join(import.meta.dirname, '../..');
/** For people to look at; each run replaces those of the run before. */
const SCREENSHOTS = path.join(tmpdir(), 'meterline-screenshots');
const ADMIN_KEY = 'admin-key-of-the-browser-test';
const MINUTES = ['1200.5', '300', '0.25'];

const stops: (() => Promise<void> | void)[] = [];
let browser: Browser;
let origin: string;
let url: string;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await promisify(execFile)('npm', ['run', 'build', '-w', 'packages/sdk'], { cwd: PROJECT });
  const pages = await startPageServer(path.join(PROJECT, 'packages/sdk/dist'));
  stops.push(pages.close);
  origin = pages.origin;
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-browser-'));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  ({ url } = await startStandalone({
    settings: readSettings({
      METERLINE_PORT: '0',
      METERLINE_DATA: folder,
      METERLINE_ADMIN_KEY: ADMIN_KEY,
      METERLINE_TEST_CLOCK: '2026-03-15T12:00:00Z',
      METERLINE_CORS_ORIGINS: origin,
    }),
    logger: createLogger({ level: 'silent', service: 'test' }),
    onStop: (_part, stop) => void stops.push(stop),
  }));
  browser = await launchChromium();
  stops.push(() => browser.close());
  await createCatalogue();
}, 120_000);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function call(method: 'GET' | 'POST', route: string, body?: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${url}/v1/${route}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const document = (await answer.json()) as Record<string, unknown>;
  if (!answer.ok) throw new Error(JSON.stringify(document));
  return document;
}

async function createCatalogue(): Promise<void> {
  await call('POST', 'meters', { key: 'minutes', eventType: 'minutes', aggregation: 'sum', valueProperty: '$.minutes' });
  await call('POST', 'plans', {
    key: 'calls',
    name: 'Calls by the minute',
    currency: 'EUR',
    billingPeriod: { every: 'month', anchor: 'calendar' },
    rateCards: [
      { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '49.00' } },
      {
        key: 'minutes',
        name: 'Audio and video minutes in rooms of up to fifty people',
        meter: 'minutes',
        price: {
          model: 'graduated',
          tiers: [
            { upTo: '1000', unitAmount: '0.004' },
            { upTo: null, unitAmount: '0.0035' },
          ],
        },
        modifiers: { allowance: { units: '100' } },
      },
    ],
  });
  const customer = { key: 'acme', name: 'ACME <Rooms & Calls> GmbH', currency: 'EUR', timezone: 'Europe/Berlin' };
  await call('POST', 'customers', { ...customer, subjects: ['acme-prod'] });
  await call('POST', 'subscriptions', { customer: 'acme', plan: 'calls', startsAt: '2026-02-28T23:00:00Z' });
}

/** A page that collects what the browser complains about: script errors, refused resources, breaches of a policy. */
async function openPage(): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, complaints };
}

const screenshot = (page: Page, name: string) => page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), fullPage: true });

/** Tracks minutes from a page of another origin and waits for the answer. Resolves to what the SDK complained about. */
async function trackInBrowser(page: Page, time: string, minutes: readonly string[]): Promise<unknown> {
  await page.goto(origin, { waitUntil: 'load' });
  const events = minutes.map((each, index) => ({ id: `${time} ${index}`, subject: 'acme-prod', minutes: each, time }));
  return page.evaluate(`window.send(${JSON.stringify({ url, apiKey: ADMIN_KEY })}, ${JSON.stringify(events)})`);
}

async function usageOfMarch(): Promise<unknown> {
  const { rows } = await call('GET', 'meters/minutes/usage?from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z');
  return (rows as Record<string, unknown>[]).map(({ value, events }) => [value, events]);
}

async function invoiceAt(now: string): Promise<{ id: string; number: string; total: string }> {
  await call('POST', 'clock', { now });
  const { id } = await call('POST', 'invoice-runs', {});
  const run = () => call('GET', `invoice-runs/${String(id)}`);
  await expect.poll(run, { timeout: 20_000 }).toMatchObject({ state: 'complete', invoices: 1 });
  const { items } = (await call('GET', 'invoices')) as { items: [{ id: string; number: string; total: string }] };
  return items[0];
}

it('the SDK as built counts usage from a web page of another origin', async () => {
  const { page, complaints } = await openPage();
  expect(await trackInBrowser(page, '2026-03-15T11:00:00Z', MINUTES)).toEqual([]);
  await expect.poll(usageOfMarch, { timeout: 20_000 }).toEqual([['1500.75', 3]]);
  expect(complaints).toEqual([]);
});

it('an invoice is a page that the browser shows as it is, without a complaint', async () => {
  const first = await invoiceAt('2026-04-01T00:00:00Z');
  const { page, complaints } = await openPage();
  expect(await trackInBrowser(page, '2026-03-31T20:00:00Z', ['60'])).toEqual([]);
  const second = await invoiceAt('2026-05-01T00:00:00Z');
  await page.setExtraHTTPHeaders({ authorization: `Bearer ${ADMIN_KEY}` });
  for (const [name, invoice] of Object.entries({ invoice: first, 'invoice-with-late-usage': second })) {
    await page.goto(`${url}/v1/invoices/${invoice.id}.html`);
    expect(await page.locator('h1').innerText()).toBe(`Invoice ${invoice.number}`);
    expect(await page.locator('tfoot').innerText()).toContain(invoice.total);
    expect(await page.locator('body').innerText()).toContain('ACME <Rooms & Calls> GmbH');
    expect(await page.locator('h1').isVisible()).toBe(true);
    await screenshot(page, name);
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await screenshot(page, `${name}-narrow`);
    await page.setViewportSize({ width: 1100, height: 900 });
  }
  expect(complaints).toEqual([]);
});

it('the API documentation opens without a complaint and lists the endpoints', async () => {
  const { page, complaints } = await openPage();
  await page.goto(`${url}/docs`);
  await page.getByText('/v1/refused-events').first().waitFor();
  await screenshot(page, 'docs');
  expect(complaints).toEqual([]);
});
