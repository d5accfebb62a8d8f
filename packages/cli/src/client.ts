import { ApiError, CliError, type FieldFault } from './errors.ts';

type QueryValue = string | number | readonly string[] | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

/** Talks to the HTTP API. Every call fails with ApiError (refused) or CliError `server.unreachable`, `server.not_meterline`. */
export interface Client {
  readonly url: string;
  get(path: string, query?: Query): Promise<unknown>;
  getText(path: string, accept: string): Promise<string>;
  /** Sends `body` as JSON, or text as it is under `contentType`. */
  post(path: string, body?: unknown, contentType?: string): Promise<unknown>;
  delete(path: string): Promise<unknown>;
}

export interface ClientOptions {
  readonly url: string;
  readonly key: string;
}

/** A path with every value in it escaped. */
export function route(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: parts }, ...values.map(encodeURIComponent));
}

export function createClient({ url, key }: ClientOptions): Client {
  async function ask(path: string, init: RequestInit, accept = 'application/json'): Promise<Response> {
    const target = new URL(path, url);
    const headers = new Headers(init.headers);
    headers.set('accept', accept);
    headers.set('authorization', `Bearer ${key}`);
    let response: Response;
    try {
      response = await fetch(target, { ...init, headers });
    } catch (cause) {
      throw new CliError(
        2,
        'server.unreachable',
        `No answer from ${target.origin} (${reasonOf(cause)}). Is the server running?`,
        {
          cause,
        },
      );
    }
    if (!response.ok) throw refusal(response, await response.text());
    return response;
  }

  return {
    url,
    async get(path, query = {}) {
      return jsonOf(await ask(withQuery(path, query), {}));
    },
    async getText(path, accept) {
      return (await ask(path, {}, accept)).text();
    },
    async post(path, body = {}, contentType = 'application/json') {
      const content = typeof body === 'string' ? body : JSON.stringify(body);
      return jsonOf(await ask(path, { method: 'POST', body: content, headers: { 'content-type': contentType } }));
    },
    async delete(path) {
      const response = await ask(path, { method: 'DELETE' });
      return response.status === 204 ? undefined : jsonOf(response);
    },
  };
}

function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of typeof value === 'object' ? value : [value]) if (each !== undefined) params.append(name, String(each));
  }
  return params.size === 0 ? path : `${path}?${params.toString()}`;
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CliError(2, 'server.not_meterline', `${response.url} answered something that is not JSON.`, { cause });
  }
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldFault[];
}

function refusal(response: Response, text: string): ApiError {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  const { code, detail, errors } = problemOf(text);
  const summary = detail ?? `The server answered ${response.status} ${response.statusText}.`;
  return new ApiError(response.status, code ?? `http.${response.status}`, summary, errors ?? [], retryAfterMs);
}

/** Empty for an answer that is none of ours, such as a proxy's page. */
function problemOf(text: string): Problem {
  try {
    const problem: unknown = JSON.parse(text);
    return typeof problem === 'object' && problem !== null ? problem : {};
  } catch {
    return {};
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : String(cause);
}
