import { Fault } from '@meterline/domain/faults';
import { expect, it } from 'vitest';
import { readSettings, settingsHelp } from './index.ts';

it('has a default for everything', () => {
  const settings = readSettings({});
  expect(settings).toMatchObject({
    backend: 'standalone',
    dataFolder: './data',
    partitions: 1,
    adminKey: null,
    testClockStart: null,
  });
  expect(settings.http).toMatchObject({ host: '127.0.0.1', port: 8080 });
  expect(settings.ingest).toMatchObject({ acceptPastMs: 35 * 86_400_000, acceptFutureMs: 300_000, eventsMax: 1000 });
});

it('takes an empty variable as unset', () => {
  expect(readSettings({ METERLINE_PORT: '', METERLINE_ADMIN_KEY: ' ' })).toMatchObject({ adminKey: null, http: { port: 8080 } });
});

it('takes web origins by commas, and nothing that a browser would never send as one', () => {
  const read = (text: string) => readSettings({ METERLINE_CORS_ORIGINS: text }).http.corsOrigins;
  expect(read('')).toEqual([]);
  expect(read('https://app.example.com, http://localhost:5173,')).toEqual(['https://app.example.com', 'http://localhost:5173']);
  for (const wrong of [
    '*',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://APP.example.com',
    'ftp://example.com',
  ])
    expect(() => read(wrong)).toThrow('METERLINE_CORS_ORIGINS must be origins like');
});

it('names every fault at once in plain words, without showing secrets', () => {
  const env = {
    METERLINE_PORT: '80 80',
    METERLINE_BACKEND: 'cloud',
    METERLINE_ADMIN_KEY: 'hunter2',
    METERLINE_TEST_CLOCK: 'noon',
    METERLINE_ACCEPT_PAST_DAYS: '36',
  };
  let fault: unknown;
  try {
    readSettings(env);
  } catch (error) {
    fault = error;
  }
  if (!(fault instanceof Fault)) throw new Error('expected a fault');
  expect(fault.errors.map((error) => error.path).toSorted()).toEqual(Object.keys(env).toSorted());
  expect(fault.message).toContain('METERLINE_PORT must be a whole number from 0 to 65535, but is "80 80"');
  expect(fault.message).not.toContain('hunter2');
});

it('explains every setting', () => {
  expect(settingsHelp()).toMatch(/METERLINE_PORT +8080 +Port to listen on/);
});

it('takes the engines from the profile of the backend, and each can be chosen apart', () => {
  const embedded = { eventLog: 'lmdb', usageStore: 'chdb', billingStore: 'pglite', jobs: 'pglite' };
  const servers = { eventLog: 'kafka', usageStore: 'clickhouse', billingStore: 'postgres', jobs: 'redis' };
  expect(readSettings({})).toMatchObject({ engines: embedded, partitions: 1 });
  expect(readSettings({ METERLINE_BACKEND: 'distributed' })).toMatchObject({ engines: servers, partitions: 64 });
  expect(readSettings({ METERLINE_USAGE_STORE: 'clickhouse' }).engines).toEqual({ ...embedded, usageStore: 'clickhouse' });
  expect(readSettings({ METERLINE_BACKEND: 'distributed', METERLINE_PARTITIONS: '6' }).partitions).toBe(6);
});

it('prefers what is set to the defaults of a service, and those to the profile', () => {
  const defaults = { METERLINE_BACKEND: 'distributed', METERLINE_PORT: '8082' };
  expect(readSettings({}, defaults)).toMatchObject({
    backend: 'distributed',
    http: { port: 8082 },
    engines: { eventLog: 'kafka' },
  });
  expect(readSettings({ METERLINE_PORT: '1' }, defaults).http.port).toBe(1);
  expect(settingsHelp(defaults)).toMatch(/METERLINE_PORT +8082 /);
});

it('reads how to reach the engines, and never shows a password', () => {
  const settings = readSettings({
    METERLINE_KAFKA_BROKERS: 'kafka-1:9092, kafka-2:9092',
    METERLINE_KAFKA_SASL: 'scram-sha-512',
    METERLINE_KAFKA_USER: 'meterline',
    METERLINE_KAFKA_PASSWORD: 'hunter2',
    METERLINE_CLICKHOUSE_LAYOUT: 'cluster:main',
  });
  expect(settings.kafka).toMatchObject({
    brokers: ['kafka-1:9092', 'kafka-2:9092'],
    login: { mechanism: 'scram-sha-512', username: 'meterline', password: 'hunter2' },
  });
  expect(settings.clickhouse.cluster).toBe('main');
  expect(readSettings({})).toMatchObject({ kafka: { login: null }, clickhouse: { cluster: null } });
  const wrong = {
    METERLINE_POSTGRES_URL: 'mysql://root:hunter2@db/meterline',
    METERLINE_REDIS_URL: 'hunter2',
    METERLINE_CLICKHOUSE_URL: 'clickhouse:8123',
    METERLINE_KAFKA_BROKERS: 'http://kafka',
  };
  expect(() => readSettings(wrong)).toThrow(/METERLINE_POSTGRES_URL must be a URL that begins with postgres:\/\//);
  for (const name of Object.keys(wrong)) expect(() => readSettings(wrong)).toThrow(name);
  expect(() => readSettings(wrong)).not.toThrow(/hunter2/);
});
