import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import { runCli } from './cli.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is text. */
  readonly body: unknown;
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly Asked[];
}

const WITH_KEY = { METERLINE_API_KEY: 'mk_test_a_secretsecret' };

/** Runs `meterline ...args` against a server that answers as `answer` says. */
export async function meterline(
  args: readonly string[],
  answer: (asked: Asked) => Answer,
  env: Readonly<Record<string, string>> = WITH_KEY,
): Promise<Outcome> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const one = { method: request.method ?? '', url: request.url ?? '', body, headers: request.headers };
      asked.push(one);
      const { status = 200, headers = {}, body: given } = answer(one);
      response.writeHead(status, headers).end(typeof given === 'string' ? given : JSON.stringify(given));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...(await meterlineWith(args, { ...env, METERLINE_URL: url })), asked };
}

/** Runs it in an environment, with a terminal that keeps what is written. */
export async function meterlineWith(args: readonly string[], env: Record<string, string>): Promise<Omit<Outcome, 'asked'>> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    print: (line: string) => void out.push(line),
    tell: (line: string) => void err.push(line),
    paint: (_style: unknown, plain: string) => plain,
    bars: undefined,
  };
  const code = await runCli(args, terminal, env);
  return { code, out: out.join('\n'), err: err.join('\n') };
}

export function problem(status: number, code: string, detail: string, errors: readonly unknown[] = []): Answer {
  return { status, body: { type: 'about:blank', title: 'x', status, code, detail, errors } };
}
