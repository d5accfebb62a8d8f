import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import { createWebhookSender, newWebhookSecret, type ResolveAll, webhookPayload } from './index.ts';

const secret = newWebhookSecret();
const payload = webhookPayload('ping', Date.now(), { text: 'grüß' });
const never = new AbortController().signal;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function sender(options: Partial<Parameters<typeof createWebhookSender>[0]> = {}) {
  const created = createWebhookSender({ policy: 'loopback', timeoutMs: 2000, ...options });
  cleanups.push(() => created.close());
  return (url: string, signal = never) => created.send({ messageId: 'msg_1', url, payload, secrets: [secret] }, signal);
}

/** A server on this machine that counts its connections. */
async function listen(onConnection: (socket: net.Socket) => void): Promise<{ url: string; connections(): number }> {
  let count = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections: () => count };
}

function answering(text: string): Promise<{ url: string; connections(): number }> {
  return listen((socket) => socket.once('data', () => socket.end(text.replaceAll('\n', '\r\n'))));
}

test('one POST that the official library verifies', async () => {
  let request: http.IncomingMessage | undefined;
  const chunks: Buffer[] = [];
  const server = http.createServer((incoming, response) => {
    request = incoming;
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => new Promise((done) => server.close(done)));

  const { port } = server.address() as AddressInfo;
  const result = await sender()(`http://127.0.0.1:${port}/hook?a=b`);
  expect(result).toMatchObject({ status: 204, error: null, retryAfterMs: null });
  expect(request).toMatchObject({ method: 'POST', url: '/hook?a=b' });
  expect(request?.headers).toMatchObject({ 'webhook-id': 'msg_1', 'content-type': 'application/json' });
  const headers = request?.headers as Record<string, string>;
  expect(new Webhook(secret).verify(Buffer.concat(chunks).toString(), headers)).toEqual(JSON.parse(payload));
});

test.each([301, 302, 303, 307, 308])('a %i redirect is an answer, never followed', async (status) => {
  const inner = await answering('HTTP/1.1 200 OK\ncontent-length: 0\n\n');
  const outer = await answering(`HTTP/1.1 ${status} Moved\nlocation: ${inner.url}/\ncontent-length: 0\n\n`);
  expect(await sender()(outer.url)).toMatchObject({ status });
  expect([outer.connections(), inner.connections()]).toEqual([1, 0]);
});

test('Retry-After comes along', async () => {
  const receiver = await answering('HTTP/1.1 429 Slow down\nretry-after: 17\ncontent-length: 0\n\n');
  expect(await sender()(receiver.url)).toMatchObject({ status: 429, retryAfterMs: 17_000 });
});

test.each([
  ['says nothing', () => undefined],
  ['sends its headers one byte at a time', (socket: net.Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx-a: ')],
])('a receiver that %s is given up in time', async (_what, behave) => {
  const receiver = await listen(behave);
  const result = await sender({ timeoutMs: 100 })(receiver.url);
  expect(result).toMatchObject({ status: null, error: 'webhook.timeout: no answer within 0.1 s' });
  expect(result.durationMs).toBeLessThan(1500);
});

function drip(socket: net.Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write('x'), 10);
  socket.once('close', () => clearInterval(timer));
}

test('an endless body neither fills memory nor holds the delivery up', async () => {
  let sent = 0;
  const receiver = await listen((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const chunk = Buffer.alloc(16_384);
    const pump = (): void => {
      while (!socket.destroyed) {
        sent += chunk.length;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', pump);
    pump();
  });
  expect(await sender()(receiver.url)).toMatchObject({ status: 200, error: null });
  // What the kernel's buffers hold, at most; not the gigabytes on offer.
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});

test('a body that stops half way does not change the answer', async () => {
  const receiver = await listen((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345'));
  expect(await sender()(receiver.url)).toMatchObject({ status: 200, error: null });
});

test('broken connections and unknown names are results with a reason', async () => {
  const hangsUp = await listen((socket) => socket.destroy());
  expect(await sender()(hangsUp.url)).toMatchObject({
    status: null,
    error: expect.stringMatching(/^webhook\.connection_failed/) as string,
  });
  const notHttp = await answering('220 smtp ready\n');
  expect(await sender()(notHttp.url)).toMatchObject({
    status: null,
    error: expect.stringMatching(/^webhook\.connection_failed/) as string,
  });
  const noName: ResolveAll = (_name, _options, done) => done(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []);
  expect(await sender({ resolve: noName })('http://receiver.example')).toMatchObject({
    error: 'webhook.host_not_found: ENOTFOUND',
  });
});

test.each(['127.0.0.1', '0x7f.1', '2130706433', '0', 'localhost', '127.1'])(
  'http://%s on a port that listens is never dialled without permission',
  async (host) => {
    const inner = await answering('HTTP/1.1 200 OK\ncontent-length: 0\n\n');
    const url = inner.url.replace('127.0.0.1', host);
    expect(await sender({ policy: 'public' })(url)).toMatchObject({
      status: null,
      error: expect.stringMatching(/^webhook\.target_refused/) as string,
    });
    expect(inner.connections()).toBe(0);
  },
);

test('a name that changes to a forbidden address is refused at its next dial, and each dial resolves exactly once', async () => {
  const receiver = await answering('HTTP/1.1 200 OK\ncontent-length: 0\n\n');
  const answers = ['127.0.0.1', '127.0.0.2', '10.0.0.1', '169.254.169.254'];
  let lookups = 0;
  const rebinding: ResolveAll = (_name, _options, done) => done(null, [{ address: answers[lookups++] ?? '', family: 4 }]);
  const send = sender({ resolve: rebinding });
  const url = receiver.url.replace('127.0.0.1', 'rebind.example');
  expect(await send(url)).toMatchObject({ status: 200 });
  expect(lookups).toBe(1);
  // Allowed, but nobody listens there: the connection of the attempt before was not used again.
  expect(await send(url)).toMatchObject({ status: null, error: expect.stringMatching(/ECONNREFUSED/) as string });
  expect(await send(url)).toMatchObject({ error: expect.stringMatching(/^webhook\.target_refused/) as string });
  expect(await send(url)).toMatchObject({ error: expect.stringMatching(/^webhook\.target_refused/) as string });
  expect([lookups, receiver.connections()]).toEqual([4, 1]);
});

test('an attempt that is broken off has no result', async () => {
  const silent = await listen(() => stop.abort());
  const stop = new AbortController();
  await expect(sender()(silent.url, stop.signal)).rejects.toThrow();
});
