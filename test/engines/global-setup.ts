import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import type { EngineName } from './names.ts';
import { provisionEngine } from './provision.ts';

const NAMES: readonly string[] = ['kafka', 'clickhouse', 'postgres', 'redis'] satisfies EngineName[];
const REQUIRED = process.env['METERLINE_TEST_ENGINES'] === 'required';

type Outcome = Awaited<ReturnType<typeof provisionEngine>>;

/**
 * Engines for the whole run: test files ask this process (`engine()`), the first question starts the engine, and what nobody asks for costs
 * nothing. At the end they are stopped, and what did not run for want of one is listed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // testcontainers' own reaper is one more image to pull, and our engines end with the run.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const engines = new Map<EngineName, Promise<Outcome>>();
  const notRun: { readonly what: string; readonly reason: string }[] = [];

  async function provisioned(name: EngineName): Promise<Outcome> {
    const beganMs = performance.now();
    const outcome = await provisionEngine(name);
    const used = outcome.started === undefined ? `none: ${'missing' in outcome ? outcome.missing : ''}` : outcome.started.used;
    process.stdout.write(`[engines] ${name}: ${used} (${Math.round(performance.now() - beganMs)} ms)\n`);
    return outcome;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://engines');
    const name = pathname.slice(1);
    const what = searchParams.get('for') ?? 'a test';
    response.setHeader('content-type', 'application/json');
    if (name === 'missing') {
      notRun.push({ what, reason: searchParams.get('reason') ?? '' });
      response.end(JSON.stringify({ required: REQUIRED }));
      return;
    }
    if (!isEngine(name)) {
      response.writeHead(404).end();
      return;
    }
    const starting = engines.get(name) ?? provisioned(name);
    engines.set(name, starting);
    const { started: _, ...outcome } = await starting;
    if ('missing' in outcome) notRun.push({ what, reason: `no ${name} (${outcome.missing})` });
    response.end(JSON.stringify({ ...outcome, required: REQUIRED }));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  project.provide('enginesUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

  return async () => {
    server.closeAllConnections();
    server.close();
    const outcomes = await Promise.all(engines.values());
    await Promise.all(outcomes.map(async ({ started }) => started?.stop()));
    if (notRun.length === 0) return;
    const lines = notRun.map(({ what, reason }) => `  ${what}: ${reason}`);
    process.stdout.write(`\n[engines] DID NOT RUN for want of an engine:\n${[...new Set(lines)].sort().join('\n')}\n`);
  };
}

function isEngine(name: string): name is EngineName {
  return NAMES.includes(name);
}
