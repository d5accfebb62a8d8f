import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where requests go, as it is at the moment. */
export interface GatewayTargets {
  ingests(): readonly string[];
  apis(): readonly string[];
}

export interface Gateway {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * One address for the whole cluster: events go to ingest, all else to the API, in turn. A request that found no listener is offered to the
 * next process; one whose answer was lost is answered 502, as nobody knows what came of it.
 */
export async function startGateway(targets: GatewayTargets, port = 0): Promise<Gateway> {
  const agent = new Agent({ keepAlive: true });
  let turn = 0;

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const isIngest = /^\/v1\/events(\/|\?|$)/.test(incoming.url ?? '');
    const upstreams = isIngest ? targets.ingests() : targets.apis();
    turn += 1;
    let failure: unknown = new Error('there is no such service');
    for (let attempt = 0; attempt < upstreams.length; attempt += 1) {
      const upstream = upstreams[(turn + attempt) % upstreams.length] ?? '';
      try {
        return await hand(upstream, incoming, body, response);
      } catch (error) {
        failure = error;
        if (response.headersSent) return void response.destroy();
        if (!(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')) break;
      }
    }
    response.writeHead(502, { 'content-type': 'text/plain' }).end(`no answer: ${String(failure)}\n`);
  }

  async function hand(upstream: string, from: IncomingMessage, body: Buffer, to: ServerResponse): Promise<void> {
    const { 'transfer-encoding': _, ...headers } = from.headers;
    const target = new URL(from.url ?? '/', upstream);
    const passed = request(target, {
      agent,
      method: from.method,
      headers: { ...headers, host: target.host, 'content-length': body.length },
    });
    to.once('close', () => passed.destroy());
    passed.end(body);
    const [answer] = (await once(passed, 'response')) as [IncomingMessage];
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    for await (const chunk of answer as AsyncIterable<Buffer>) to.write(chunk);
    to.end();
  }

  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
