import { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import type { StatementRequest } from './request.ts';

export interface StatementRunner {
  /** Runs one statement and answers what it puts out; the engine's refusals are ClickHouseErrors. */
  run(statement: StatementRequest, signal: AbortSignal): Promise<{ output: Readable; summary: unknown }>;
}

/**
 * Statements as they come over HTTP, on the embedded engine. Its sessions outlive a request, so each statement chooses its database and
 * sets its parameters anew.
 */
export function createStatementRunner(client: ClickHouseClient, defaultDatabase: string): StatementRunner {
  /** Parameters that any session may still hold from an earlier statement. */
  const everBound = new Set<string>();

  function setParams({ query, params }: StatementRequest): string {
    for (const [, name = ''] of query.matchAll(/\{\s*(\w+)\s*:/g)) {
      if (everBound.has(name) && !params.has(name))
        throw new ClickHouseError({
          code: '456',
          type: 'UNKNOWN_QUERY_PARAMETER',
          message: `Substitution \`${name}\` is not set. `,
        });
    }
    const assignments = [...params].map(([name, value]) => {
      if (!/^\w+$/.test(name))
        throw new ClickHouseError({ code: '36', type: 'BAD_ARGUMENTS', message: `Invalid parameter name ${name}. ` });
      everBound.add(name);
      return `param_${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
    });
    return assignments.length === 0 ? '' : `SET ${assignments.join(', ')}; `;
  }

  return {
    async run(statement, signal) {
      const database = `USE \`${(statement.database ?? defaultDatabase).replaceAll(/[\\`]/g, '\\$&')}\`; `;
      const { stream, summary } = await client.exec({
        query: database + setParams(statement) + statement.query.trim().replace(/;+$/, ''),
        clickhouse_settings: statement.settings,
        abort_signal: signal,
        ...(statement.data === undefined ? {} : { values: Readable.from([statement.data], { objectMode: false }) }),
      });
      return { output: stream, summary };
    },
  };
}
