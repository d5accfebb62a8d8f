/**
 * Settings every statement of ours relies on, whichever engine answers: pass them to `createClient({ clickhouse_settings })` for a
 * server; the embedded engine has them as its defaults. Decimals and 64-bit integers are text in JSON, because a JavaScript number
 * would round them; inserts are applied before they are acknowledged, and not searched for repeated keys first, since rows of one insert have none.
 */
export const statementSettings = {
  output_format_json_quote_decimals: 1,
  output_format_json_quote_64bit_integers: 1,
  async_insert: 0,
  optimize_on_insert: 0,
} as const;
