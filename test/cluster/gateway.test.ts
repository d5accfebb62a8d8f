import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { startGateway, type Gateway } from './gateway.ts';

const servers: Server[] = [];
let gateway: Gateway | undefined;
afterEach(async () => {
  await gateway?.close();
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function upstream(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers who it is, and what it was asked. */
const telling =
  (name: string): RequestListener =>
  (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => response.writeHead(201, { 'x-who': name }).end(`${request.method} ${request.url} ${body}`));
  };

async function gone(): Promise<string> {
  const url = await upstream(telling('gone'));
  const server = servers.pop();
  server?.close();
  if (server !== undefined) await once(server, 'close');
  return url;
}

async function through(ingests: string[], apis: string[]): Promise<(path: string, body?: string) => Promise<string>> {
  const started = await startGateway({ ingests: () => ingests, apis: () => apis });
  gateway = started;
  return async (path, body) => {
    const response = await fetch(started.url + path, body === undefined ? {} : { method: 'POST', body });
    return `${response.status} ${response.headers.get('x-who')}: ${await response.text()}`;
  };
}

it('sends events to ingest and all else to the API, with method, query and body', async () => {
  const ask = await through([await upstream(telling('ingest'))], [await upstream(telling('api'))]);
  expect(await ask('/v1/events', '{}')).toBe('201 ingest: POST /v1/events {}');
  expect(await ask('/v1/events/e1/void?x=1', 'why')).toBe('201 ingest: POST /v1/events/e1/void?x=1 why');
  expect(await ask('/v1/meters?limit=1')).toBe('201 api: GET /v1/meters?limit=1 ');
  expect(await ask('/v1/events-of-mine')).toBe('201 api: GET /v1/events-of-mine ');
});

it('takes processes in turn, and offers what found no listener to the next', async () => {
  const ask = await through([await upstream(telling('a')), await gone(), await upstream(telling('b'))], []);
  const answers = await Promise.all(Array.from({ length: 6 }, () => ask('/v1/events', '1')));
  expect(new Set(answers)).toEqual(new Set(['201 a: POST /v1/events 1', '201 b: POST /v1/events 1']));
});

it('answers 502, and asks nobody else, when an answer was lost or there is nobody', async () => {
  let asked = 0;
  const losing: RequestListener = (request) => {
    asked += 1;
    request.resume().once('end', () => request.socket.destroy());
  };
  const ask = await through([await upstream(losing), await upstream(losing)], []);
  expect(await ask('/v1/events', '1')).toMatch(/^502 /);
  expect(asked).toBe(1);
  expect(await ask('/v1/meters')).toMatch(/^502 /);
});
