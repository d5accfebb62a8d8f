import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ADMIN_KEY } from './server-process.ts';

export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  delete(path: string): Promise<void>;
  /** Every item of a paged list. */
  all<T>(path: string): Promise<T[]>;
  /** Meterline's metric of that name, without labels. */
  metric(name: string): Promise<number>;
}

/** An answer that trying again would not change (4xx). */
export class Refused extends Error {
  readonly code: string;

  constructor(asked: string, status: number, body: string) {
    super(`${asked} answered ${status}: ${body}`);
    this.code = String((JSON.parse(body) as { code?: unknown }).code);
  }
}

const RETRY_MS = 100;
const GIVE_UP_MS = 180_000;

/** Asks until it is answered, however often the server dies meanwhile; a POST keeps its Idempotency-Key. Fails with `Refused`. */
export function createClient(url: string, apiKey = ADMIN_KEY): Client {
  let lastRefusal = 'no answer';

  async function once(method: string, path: string, body: unknown, key: string): Promise<Response | undefined> {
    const headers = {
      authorization: `Bearer ${apiKey}`,
      ...(method === 'POST' && { 'idempotency-key': key }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = {
      method,
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    try {
      const response = await fetch(url + path, init);
      const text = await response.text();
      const isBusy = response.status >= 500 || response.status === 429 || text.includes('idempotency.in_progress');
      if (!isBusy) return new Response(text === '' ? null : text, { status: response.status });
      lastRefusal = `${response.status}: ${text.slice(0, 1_000)}`;
      return undefined;
    } catch {
      return undefined; // killed meanwhile: the outcome is unknown
    }
  }

  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    const key = randomUUID();
    const giveUpMs = performance.now() + GIVE_UP_MS;
    for (;;) {
      const response = await once(method, path, body, key);
      if (response?.ok === true) return response;
      if (response !== undefined) throw new Refused(`${method} ${path}`, response.status, await response.text());
      if (performance.now() > giveUpMs)
        throw new Error(`${method} ${path} was not answered in ${GIVE_UP_MS} ms; last: ${lastRefusal}`);
      await sleep(RETRY_MS);
    }
  }

  const json = async <T>(response: Promise<Response>): Promise<T> => (await response).json() as Promise<T>;
  const get = <T>(path: string) => json<T>(call('GET', path));

  return {
    get,
    post: (path, body) => json(call('POST', path, body)),
    put: (path, body) => json(call('PUT', path, body)),
    async delete(path) {
      await call('DELETE', path);
    },
    async all<T>(path: string) {
      const items: T[] = [];
      let cursor: string | null = null;
      do {
        const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page: { items: T[]; nextCursor: string | null } = await get(`${path}?limit=100${more}`);
        items.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== null);
      return items;
    },
    async metric(name) {
      const text = await (await call('GET', '/metrics')).text();
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      if (line === undefined) throw new Error(`there is no metric ${name}`);
      return Number(line.slice(name.length + 1));
    },
  };
}
