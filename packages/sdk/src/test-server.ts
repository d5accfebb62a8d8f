import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly source: string;
  readonly time: string;
  readonly specversion: string;
  readonly data?: Record<string, unknown>;
}

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly events: readonly SeenEvent[];
  readonly atMs: number;
}

/** `hang` leaves the request without an answer. */
export type Answer = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown } | 'hang';

/** What Meterline answers when it stored everything. */
export function stored(events: readonly SeenEvent[]): Answer {
  return { status: 202, body: { accepted: events.length, rejected: [] } };
}

/** A server on the loopback interface that answers the nth request as `answer` says, and keeps what it saw. */
export async function startServer(answer: (events: readonly SeenEvent[], index: number) => Answer) {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const events = body === '' ? [] : (JSON.parse(body) as SeenEvent[]);
      requests.push({ path: request.url ?? '', headers: request.headers, body, events, atMs: performance.now() });
      const reply = answer(events, requests.length - 1);
      if (reply === 'hang') return;
      response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
