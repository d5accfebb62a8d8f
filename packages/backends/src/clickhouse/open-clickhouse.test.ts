import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { insertRows } from './insert.ts';
import { openClickhouse, type Clickhouse, type ClickhouseServer } from './open-clickhouse.ts';
import { queryRows } from './rows.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

interface Recorded {
  readonly url: string;
  readonly requests: { search: URLSearchParams; body: Buffer; headers: IncomingMessage['headers'] }[];
  answer: Answer;
  readonly server: Server;
}

const recorded: Recorded[] = [];
const opened: Clickhouse[] = [];
afterEach(async () => {
  for (const { close } of opened.splice(0)) await close();
  for (const { server } of recorded.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const rows: Answer = (_request, response) => void response.end('{"meta":[],"data":[[1]]}');
const exception =
  (code: number, type: string, message = 'no'): Answer =>
  (_request, response) => {
    response.writeHead(500, { 'X-ClickHouse-Exception-Code': String(code) });
    response.end(`Code: ${code}. DB::Exception: ${message}. (${type}) (version 25.8)\n`);
  };

async function fakeServer(): Promise<Recorded> {
  const requests: Recorded['requests'] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const url = new URL(request.url ?? '/', 'http://x');
      requests.push({ search: url.searchParams, body, headers: request.headers });
      self.answer(request, response, url);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: Recorded = { url, requests, answer: rows, server };
  recorded.push(self);
  return self;
}

async function open(urls: readonly string[], more: Partial<ClickhouseServer> = {}): Promise<Clickhouse> {
  const clickhouse = await openClickhouse({ urls, ...more });
  opened.push(clickhouse);
  return clickhouse;
}

it('sends with every statement what the statements rely on, and compresses both ways', async () => {
  const server = await fakeServer();
  const { client } = await open([server.url], { database: 'usage', username: 'w', password: 'secret' });
  server.answer = (_request, response) => void response.end();
  await insertRows(client, 'item', ['id'], '[1]\n', 'JSONCompactEachRow');
  const insert = server.requests.at(-1);
  expect(Object.fromEntries(insert?.search ?? [])).toMatchObject({
    database: 'usage',
    query: 'INSERT INTO item (id) FORMAT JSONCompactEachRow',
    output_format_json_quote_decimals: '1',
    output_format_json_quote_64bit_integers: '1',
    async_insert: '0',
    wait_end_of_query: '1',
    cancel_http_readonly_queries_on_client_close: '1',
    enable_http_compression: '1',
  });
  expect(zstdDecompressSync(insert?.body ?? Buffer.alloc(0)).toString()).toBe('[1]\n');
  expect(insert?.headers).toMatchObject({ 'content-encoding': 'zstd', 'accept-encoding': 'zstd' });
  expect(insert?.headers.authorization).toBe(`Basic ${Buffer.from('w:secret').toString('base64')}`);
  expect(insert?.search.has('insert_quorum')).toBe(false);
});

it('on a cluster, writes to a majority and reads only where all of that is', async () => {
  const server = await fakeServer();
  await open([server.url], { layout: { kind: 'cluster', cluster: 'usage' } });
  expect(Object.fromEntries(server.requests[0]?.search ?? [])).toMatchObject({
    insert_quorum: 'auto',
    insert_quorum_parallel: '0',
    select_sequential_consistency: '1',
    distributed_foreground_insert: '1',
    insert_deduplicate: '0',
  });
});

it.each([
  [516, 'AUTHENTICATION_FAILED', 'no', 'clickhouse.access_denied'],
  [81, 'UNKNOWN_DATABASE', 'no', 'clickhouse.database_missing'],
  [1000, 'POCO_EXCEPTION', 'HTML Form Exception: Field value too long', 'clickhouse.parameters_limited'],
])('does not open on code %i %s (%s): %s', async (code, type, message, fault) => {
  const server = await fakeServer();
  server.answer = exception(code, type, message);
  await expect(openClickhouse({ urls: [server.url] })).rejects.toMatchObject({ code: fault });
});

it('does not open where nobody listens, nor on a URL of another kind', async () => {
  const server = await fakeServer();
  server.server.close();
  await expect(openClickhouse({ urls: [server.url] })).rejects.toMatchObject({
    code: 'clickhouse.unreachable',
    kind: 'unavailable',
  });
  await expect(openClickhouse({ urls: [] })).rejects.toMatchObject({ code: 'clickhouse.invalid_urls' });
  await expect(openClickhouse({ urls: ['http://a', 'https://b'] })).rejects.toMatchObject({ code: 'clickhouse.invalid_urls' });
}, 20_000);

it('goes to the next server when one is gone, and stays there', async () => {
  const [first, second] = [await fakeServer(), await fakeServer()];
  const { client, trouble } = await open([first.url, second.url]);
  await queryRows(client, 'select 1', {});
  expect([first.requests.length, second.requests.length]).toEqual([2, 0]);
  first.server.closeAllConnections();
  first.server.close();
  await queryRows(client, 'select 1', {});
  expect(await trouble()).toBeUndefined();
  expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
});

it('asks again after an answer that says only "not now", and gives up on one that says "never"', async () => {
  const server = await fakeServer();
  const { client } = await open([server.url]);
  let left = 2;
  server.answer = (...args) => ((left -= 1) >= 0 ? exception(289, 'REPLICA_IS_NOT_IN_QUORUM') : rows)(...args);
  expect(await queryRows(client, 'select 1', {})).toEqual([[1]]);
  const before = server.requests.length;
  server.answer = exception(60, 'UNKNOWN_TABLE');
  await expect(queryRows(client, 'select 1', {})).rejects.toMatchObject({ code: '60' });
  expect(server.requests.length).toBe(before + 1);
});

it('sends an insert a second time only if the server refused it', async () => {
  const server = await fakeServer();
  const { client } = await open([server.url]);
  let left = 1;
  server.answer = (request, response, url) => {
    if ((left -= 1) >= 0) exception(286, 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE')(request, response, url);
    else response.end();
  };
  await insertRows(client, 'item', ['id'], '[1]\n', 'JSONCompactEachRow');
  expect(server.requests.length).toBe(3);

  for (const answer of [
    exception(319, 'UNKNOWN_STATUS_OF_INSERT'),
    exception(210, 'NETWORK_ERROR'),
    ((_request, response) => void response.socket?.resetAndDestroy()) satisfies Answer,
    ((_request, response) =>
      void response.writeHead(200, { 'Content-Length': 5 }).write('x', () => response.destroy())) satisfies Answer,
    ((_request, response) =>
      void response.end('Code: 241. DB::Exception: over the limit. (MEMORY_LIMIT_EXCEEDED)')) satisfies Answer,
  ]) {
    server.answer = answer;
    const before = server.requests.length;
    await expect(insertRows(client, 'item', ['id'], '[1]\n', 'JSONCompactEachRow')).rejects.toThrow();
    expect(server.requests.length).toBe(before + 1);
  }
});

it('gives up an idle connection before a server would, and never one with a statement on it', async () => {
  const server = await fakeServer();
  const { client } = await open([server.url]);
  const sockets: Socket[] = [];
  server.answer = (request, response) => {
    sockets.push(request.socket);
    setTimeout(() => response.end('{"meta":[],"data":[[1]]}'), sockets.length === 2 ? 3_000 : 0);
  };
  for (let i = 0; i < 2; i++) await queryRows(client, 'select 1', {});
  expect(sockets[1]).toBe(sockets[0]);
  const answeredMs = performance.now();
  await once(sockets[1] as Socket, 'close');
  expect(performance.now() - answeredMs).toBeLessThan(3_000);
});

it('fails a statement without an answer in time, and names the trouble', async () => {
  const server = await fakeServer();
  const { client, trouble } = await open([server.url], { requestTimeoutMs: 1_000 });
  server.answer = () => undefined;
  await expect(queryRows(client, 'select 1', {})).rejects.toMatchObject({ code: 'clickhouse.timeout' });
  expect(await trouble()).toMatch(/Timeout/);
  server.answer = rows;
  expect(await trouble()).toBeUndefined();
});
