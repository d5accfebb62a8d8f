/** By these a browser lets a page of one of `origins` read the answer to its events, be it good or a refusal. */
export function answerHeaders(origins: readonly string[], origin: string | undefined): Record<string, string> {
  if (origins.length === 0) return {};
  // The answer depends on who asks: caches must know.
  const vary = { vary: 'origin' };
  if (origin === undefined || !origins.includes(origin)) return vary;
  return { ...vary, 'access-control-allow-origin': origin, 'access-control-expose-headers': 'retry-after' };
}

/** By these it lets the page send them at all: with a key, but never with cookies. */
export function preflightHeaders(origins: readonly string[], origin: string | undefined): Record<string, string> {
  const headers = answerHeaders(origins, origin);
  if (headers['access-control-allow-origin'] === undefined) return headers;
  return {
    ...headers,
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': '600',
  };
}
