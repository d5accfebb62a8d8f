import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { insertRows } from './insert.ts';

let server: Server;
let url: string;
let answer: { status: number; body: string };
let requests: { query: string | null; body: string }[];

beforeEach(async () => {
  requests = [];
  answer = { status: 200, body: '' };
  server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push({ query: new URL(request.url ?? '', url).searchParams.get('query'), body });
      response.writeHead(answer.status).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? String(address.port) : ''}`;
});
afterEach(() => {
  server.close();
});

it('sends the bytes to a server as they are, and frees the connection for the next insert', async () => {
  const client = createClient({ url, max_open_connections: 1 });
  const body = '[1,"grün"]\n[2,"b"]\n';
  await insertRows(client, 'item', ['id', 'name'], Buffer.from(body), 'JSONCompactEachRow');
  await insertRows(client, 'item', ['id', 'name'], body, 'JSONCompactEachRow');
  const query = 'INSERT INTO item (id, name) FORMAT JSONCompactEachRow';
  expect(requests).toEqual([
    { query, body },
    { query, body },
  ]);
  await client.close();
});

it("fails with the server's code", async () => {
  const client = createClient({ url, log: { level: ClickHouseLogLevel.OFF } });
  answer = {
    status: 400,
    body: 'Code: 27. DB::Exception: Cannot parse input. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7)',
  };
  await expect(insertRows(client, 'item', ['id'], 'x', 'JSONCompactEachRow')).rejects.toMatchObject({ code: '27' });
  await client.close();
});

it('sends nothing for no rows', async () => {
  const client = createClient({ url });
  await insertRows(client, 'item', ['id'], '', 'JSONCompactEachRow');
  expect(requests).toEqual([]);
  await client.close();
});
