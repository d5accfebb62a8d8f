import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Message {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A webhook endpoint that keeps what arrives by webhook-id, and now and then says that it could not. */
export async function startReceiver(random: () => number) {
  const messages = new Map<string, Message>();
  const altered: string[] = [];
  const bodies = new Map<string, string>();
  let deliveries = 0;

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (random() < 0.05) return void response.writeHead(503).end();
      const id = String(request.headers['webhook-id']);
      const body = Buffer.concat(chunks).toString();
      deliveries += 1;
      if (bodies.has(id) && bodies.get(id) !== body) altered.push(id);
      bodies.set(id, body);
      messages.set(id, JSON.parse(body) as Message);
      return void response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** By webhook-id. */
    messages: messages as ReadonlyMap<string, Message>,
    /** Webhook-ids that came with different contents. */
    altered: altered as readonly string[],
    deliveries: () => deliveries,
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
