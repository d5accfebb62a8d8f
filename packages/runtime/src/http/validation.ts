import { Fault, type FaultDetail } from '@meterline/domain/faults';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { type $ZodIssue, type $ZodType, safeParse } from 'zod/v4/core';

/** `['rateCards', 0, 'price']` -> `rateCards[0].price`. */
export function dottedPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

function detailsOf(issue: $ZodIssue, prefix: readonly PropertyKey[]): FaultDetail[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: dottedPath([...path, key]), message: 'unknown field' }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // The alternative with the fewest complaints is the one most likely meant.
    const closest = issue.errors.toSorted((a, b) => a.length - b.length)[0];
    if (closest && closest.length > 0) return closest.flatMap((inner) => detailsOf(inner, path));
  }
  return [{ path: dottedPath(path), message: issue.message }];
}

/** Every fault of a failed zod parse, at its path. */
export function zodDetails(error: Pick<z.core.$ZodError, 'issues'>): FaultDetail[] {
  return error.issues.flatMap((issue) => detailsOf(issue, []));
}

/** Validates body, query, path and headers with zod; all faults of one part of the request at once, as `request.invalid`. */
export const validatorCompiler: FastifySchemaCompiler<$ZodType> =
  ({ schema, httpPart }) =>
  (input) => {
    const result = safeParse(schema, input);
    if (result.success) return { value: result.data };
    const part = httpPart === 'querystring' ? 'query string' : httpPart === 'params' ? 'path' : (httpPart ?? 'request');
    return { error: new Fault('invalid', 'request.invalid', `The ${part} is not valid.`, { errors: zodDetails(result.error) }) };
  };
