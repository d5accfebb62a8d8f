import { STATUS_CODES } from 'node:http';
import { Fault, type FaultDetail, type FaultKind } from '@meterline/domain/faults';

const STATUS_OF_KIND: Readonly<Record<FaultKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  overloaded: 429,
  unavailable: 503,
};

/** What Fastify itself throws before one of our handlers runs, as faults of ours. */
const FASTIFY_FAULTS: Readonly<Record<string, readonly [status: number, code: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'request.body_too_large', 'The request body is larger than this endpoint accepts.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'request.unsupported_media_type', 'This endpoint does not accept that Content-Type.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'request.content_length_mismatch', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: [400, 'request.malformed_url', 'The URL is not valid.'],
  FST_ERR_INVALID_URL: [400, 'request.malformed_url', 'The URL is not valid.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'request.url_too_long', 'A part of the URL is too long.'],
  ECONNRESET: [400, 'request.aborted', 'The connection closed before the body was complete.'],
};

/** RFC 9457 problem details. `errors` lists every fault found, each at its place in the input. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly FaultDetail[];
}

export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** True for a defect or an outage: to be logged with its cause, answered without it. */
  readonly unexpected: boolean;
}

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A fault whose status is not that of its kind, such as 415. */
export class HttpFault extends Fault {
  readonly status: number;
  constructor(status: number, code: string, message: string) {
    super('invalid', code, message);
    this.status = status;
  }
}

function problem(status: number, code: string, detail: string, errors: readonly FaultDetail[] = []): Problem {
  return { type: `urn:meterline:problem:${code}`, title: STATUS_CODES[status] ?? 'Error', status, code, detail, errors };
}

/** Turns whatever was thrown into what the client is told. */
export function problemAnswer(error: unknown): ProblemAnswer {
  if (error instanceof Fault) {
    const status = error instanceof HttpFault ? error.status : STATUS_OF_KIND[error.kind];
    const headers: Record<string, string> = {};
    if (error.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterSeconds)));
    else if (status === 429 || status === 503) headers['retry-after'] = '1';
    if (status === 401) headers['www-authenticate'] = 'Bearer';
    return { problem: problem(status, error.code, error.message, error.errors), headers, unexpected: false };
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  const known = Object.hasOwn(FASTIFY_FAULTS, code) ? FASTIFY_FAULTS[code] : undefined;
  if (known) return { problem: problem(...known), headers: {}, unexpected: false };
  return {
    problem: problem(500, 'internal', 'Something went wrong on our side. It has been logged.'),
    headers: {},
    unexpected: true,
  };
}
