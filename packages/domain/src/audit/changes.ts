/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

/** A field that two documents do not agree on. `before` is absent where it is new, `after` where it is gone. */
export interface DocumentChange {
  /** `rateCards[0].price.unitAmount`; names that are not plain are quoted: `filter["$.model"]`. */
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/**
 * What changed from one document to another: the innermost fields that differ, in the order of `after`, then those that are gone.
 * Lists are compared place by place. Between null (no document) and a document, each of its top fields is one change.
 */
export function documentChanges(before: Json, after: Json): DocumentChange[] {
  return changesOf('', before ?? {}, after ?? {});
}

function changesOf(path: string, before: Json, after: Json): DocumentChange[] {
  const from = entriesOf(before);
  const to = entriesOf(after);
  if (from === undefined || to === undefined || Array.isArray(before) !== Array.isArray(after)) {
    return Object.is(before, after) ? [] : [{ path, before, after }];
  }
  const inside = (name: string): string => (Array.isArray(after) ? `${path}[${name}]` : fieldPath(path, name));
  const changed = [...to].flatMap(([name, value]): DocumentChange[] => {
    const old = from.get(name);
    return old === undefined ? [{ path: inside(name), after: value }] : changesOf(inside(name), old, value);
  });
  const gone = [...from].filter(([name]) => !to.has(name)).map(([name, value]) => ({ path: inside(name), before: value }));
  return [...changed, ...gone];
}

/** Fields of an object, places of a list; undefined for a plain value. */
function entriesOf(value: Json): Map<string, Json> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

function fieldPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
