import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { connectCluster } from './kafkajs-internals.ts';

const load = createRequire(import.meta.url);
const { version } = load('kafkajs/package.json') as { version: string };

interface Queue {
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
  destroy(): void;
  throttleCheckTimeoutId: unknown;
}
const RequestQueue = load('kafkajs/src/network/requestQueue/index.js') as new (options: unknown) => Queue;
const ConnectionPool = load('kafkajs/src/network/connectionPool.js') as { prototype: object };
const Connection = load('kafkajs/src/network/connection.js') as new (options: unknown) => {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
};
const socketFactory = load('kafkajs/src/network/socketFactory.js') as () => unknown;
const Broker = load('kafkajs/src/broker/index.js') as { prototype: object };
const createRequest = load('kafkajs/src/protocol/request.js') as (options: unknown) => Promise<{ buffer: Buffer }>;

it('is made for this version of kafkajs', () => {
  expect(version).toBe('2.2.4');
});

it('finds behind the public interface what it uses there', () => {
  expect(ConnectionPool.prototype).toHaveProperty('send');
  expect(Broker.prototype).toHaveProperty('listOffsets');
  expect(Broker.prototype).toHaveProperty('deleteRecords');
});

it('hands bodies of its own to kafkajs, which adds length and header', async () => {
  const body = Buffer.from('body');
  const encode = async () => ({ buf: body, buffer: body });
  const { buffer } = await createRequest({ correlationId: 7, clientId: 'me', request: { apiKey: 1, apiVersion: 11, encode } });
  expect(buffer.toString('hex')).toBe('00000010' + '0001' + '000b' + '00000007' + '00026d65' + body.toString('hex'));
});

it('sets no timer while no request is pending: kafkajs alone would fire one every millisecond', () => {
  const logger = { debug: () => undefined };
  const queue = new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1_000, clientId: 'c', broker: 'b', logger });
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).not.toBeNull();
  queue.destroy();
});

it('opens one socket however many ask for a connection at once', async () => {
  let sockets = 0;
  const server = createServer(() => (sockets += 1)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const logger = { debug: () => undefined, error: () => undefined, namespace: () => logger };
  const options = {
    host: '127.0.0.1',
    port,
    logger,
    socketFactory: socketFactory(),
    requestTimeout: 1_000,
    connectionTimeout: 1_000,
  };
  const connection = new Connection(options);
  await Promise.all(Array.from({ length: 10 }, () => connection.connect()));
  await connection.disconnect();
  await once(server.close(), 'close');
  expect(sockets).toBe(1);
});

it('fails when no broker answers, and says which', async () => {
  const options = {
    brokers: ['127.0.0.1:1'],
    clientId: 'c',
    requestTimeout: 500,
    connectionTimeout: 500,
    logCreator: () => () => undefined,
  };
  const cluster = connectCluster(options, 'topic');
  await expect(cluster.refresh()).rejects.toThrow(/ECONNREFUSED/);
  await cluster.disconnect();
});
