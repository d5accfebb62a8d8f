import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A webhook whose signature held. */
export interface Message {
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** By `performance.now()`. */
  readonly arrivedMs: number;
}

export interface Receiver {
  readonly url: string;
  /** Every message once, in order of arrival. */
  readonly messages: readonly Message[];
  /** How many requests were refused for their signature or time. */
  readonly refused: () => number;
  /** Set before the first delivery. */
  trust(secret: string): void;
  onMessage(listener: (message: Message) => void): void;
  close(): Promise<void>;
}

const TIME_TOLERANCE_MS = 5 * 60_000;

/** What a customer of Meterline runs: verifies deliveries by the Standard Webhooks specification and takes each message once. */
export async function startReceiver(): Promise<Receiver> {
  const messages: Message[] = [];
  const listeners: ((message: Message) => void)[] = [];
  let secret = '';
  let refused = 0;

  async function receive(request: IncomingMessage): Promise<number> {
    const arrivedMs = performance.now();
    const body = await text(request);
    if (!isGenuine(request.headers, body, secret, Date.now())) {
      refused += 1;
      return 401;
    }
    const id = String(request.headers['webhook-id']);
    // Deliveries are repeated until they are answered: the id tells a repetition.
    if (messages.some((message) => message.id === id)) return 204;
    const message = { id, arrivedMs, ...(JSON.parse(body) as Pick<Message, 'type' | 'data'>) };
    messages.push(message);
    for (const listener of listeners) listener(message);
    return 204;
  }

  const server = createServer((request, response) => {
    receive(request).then(
      (status) => response.writeHead(status).end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    messages,
    refused: () => refused,
    trust: (given) => void (secret = given),
    onMessage: (listener) => void listeners.push(listener),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Whether the holder of the secret signed exactly this body, and not long ago. */
export function isGenuine(headers: IncomingHttpHeaders, body: string, secret: string, nowMs: number): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return false;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(nowMs - Number(timestamp) * 1000) > TIME_TOLERANCE_MS) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest();
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return signature.startsWith('v1,') && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
