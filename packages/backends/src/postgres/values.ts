import type { SqlValue } from '@meterline/pipeline/ports';

/** OIDs of the built-in types whose text is not already the value we answer with. */
const OID = {
  bool: 16,
  bytea: 17,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
  json: 114,
  jsonb: 3802,
  timestamptz: 1184,
};
const TEXT_ARRAYS = new Set([1009, 1015, 1016, 1231]); // text[], varchar[], bigint[], numeric[]
const INTEGER_ARRAYS = new Set([1005, 1007]); // smallint[], integer[]

/** The JavaScript value of a column as `Database` promises it, from PostgreSQL's text output (ISO dates, session in UTC). */
export function parseValue(oid: number, text: string): unknown {
  switch (oid) {
    case OID.bool:
      return text === 't';
    case OID.bytea:
      return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
    case OID.int2:
    case OID.int4:
    case OID.oid:
    case OID.float4:
    case OID.float8:
      return Number(text);
    case OID.json:
    case OID.jsonb:
      return JSON.parse(text) as unknown;
    case OID.timestamptz:
      return instantText(text);
  }
  if (TEXT_ARRAYS.has(oid)) return parseArray(text);
  if (INTEGER_ARRAYS.has(oid)) return parseArray(text).map((item) => (item === null ? null : Number(item)));
  return text;
}

/** `2026-11-22 01:20:10.123456+00` -> `2026-11-22T01:20:10.123Z`. What no RFC 3339 text can say (infinity, BC) stays as it is. */
function instantText(text: string): string {
  if (text.length < 22 || text[10] !== ' ' || !text.endsWith('+00')) return text;
  const fraction = text[19] === '.' ? text.slice(20, -3) : '';
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
}

/** A one-dimensional array literal: `{a,"b c",NULL}`. */
function parseArray(text: string): (string | null)[] {
  const items: (string | null)[] = [];
  for (const [, quoted, bare] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs)) {
    if (quoted !== undefined) items.push(quoted.replace(/\\(.)/gs, '$1'));
    else items.push(bare === 'NULL' || bare === undefined ? null : bare);
  }
  return items;
}

/** A parameter in PostgreSQL's text input form; the server infers its type from the statement. */
export function encodeParam(value: SqlValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  if (isArray(value)) return `{${value.map(encodeItem).join(',')}}`;
  return String(value);
}

function isArray(value: SqlValue): value is readonly SqlValue[] {
  return Array.isArray(value);
}

function encodeItem(value: SqlValue): string {
  const text = encodeParam(value);
  if (text === null) return 'NULL';
  return isArray(value) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}
