import { messages, protocol, type PGlite } from '@electric-sql/pglite';
import type { Answer, DatabaseErrorFields, Statement } from './messages.ts';

const PREPARED_MAX = 300;
const { serialize } = protocol;

export type Outcome = { answer: Answer } | { error: DatabaseErrorFields };

/**
 * PGlite's one session, spoken to in PostgreSQL's own protocol: a statement seen before is bound to the plan prepared for it, and
 * everything a statement needs crosses into the engine at once (half the time of `PGlite.query`, which crosses six times).
 */
export function createSession(database: PGlite): { run(statement: Statement): Promise<Outcome> } {
  const prepared = new Map<string, string>();
  const stale: string[] = [];
  let lastName = 0;

  const forgetAll = (): void => {
    stale.push(...prepared.values());
    prepared.clear();
  };

  const run = async ({ sql, params }: Statement): Promise<Outcome> => {
    // Plans are dropped with protocol messages, which work in a failed transaction too.
    const parts = stale.splice(0).map((name) => serialize.close({ type: 'S', name }));
    const known = prepared.get(sql);
    const name = known ?? `s${String((lastName += 1))}`;
    if (params === null) {
      if (parts.length > 0) await exchange(database, [...parts, serialize.sync()]);
      forgetAll();
      return outcomeOf(await exchange(database, [serialize.query(sql)]));
    }
    if (known === undefined) parts.push(serialize.parse({ name, text: sql }));
    parts.push(
      serialize.bind({ statement: name, values: [...params] }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
    );
    const reply = await exchange(database, [...parts, serialize.sync()]);
    if (known === undefined && reply.some((message) => message.name === 'parseComplete')) {
      if (prepared.size >= PREPARED_MAX) forgetAll();
      prepared.set(sql, name);
    }
    const outcome = outcomeOf(reply);
    // A plan must not outlive the shape of its tables.
    if ('answer' in outcome && /^(create|alter|drop)/i.test(outcome.answer.command)) forgetAll();
    return outcome;
  };
  return { run };
}

async function exchange(database: PGlite, parts: readonly Uint8Array[]): ReturnType<PGlite['execProtocolStream']> {
  return await database.execProtocolStream(Buffer.concat(parts), { syncToFs: false, throwOnError: false });
}

/** The first error, else what the last statement answered. */
function outcomeOf(reply: Awaited<ReturnType<PGlite['execProtocolStream']>>): Outcome {
  let answer = { columns: [] as string[], oids: [] as number[], values: [] as (string | null)[], rowCount: 0, command: '' };
  let isComplete = false;
  for (const message of reply) {
    if (message instanceof messages.DatabaseError) return { error: errorFields(message) };
    if (isComplete && (message instanceof messages.RowDescriptionMessage || message instanceof messages.CommandCompleteMessage)) {
      answer = { columns: [], oids: [], values: [], rowCount: 0, command: '' };
      isComplete = false;
    }
    if (message instanceof messages.RowDescriptionMessage) {
      answer.columns = message.fields.map((field) => field.name);
      answer.oids = message.fields.map((field) => field.dataTypeID);
    } else if (message instanceof messages.DataRowMessage) {
      for (const value of message.fields) answer.values.push(value);
    } else if (message instanceof messages.CommandCompleteMessage) {
      answer.command = message.text;
      answer.rowCount = Number(/\d+$/.exec(message.text)?.[0] ?? 0);
      isComplete = true;
    }
  }
  return { answer };
}

function errorFields({
  message,
  code,
  detail,
  constraint,
  table,
}: InstanceType<typeof messages.DatabaseError>): DatabaseErrorFields {
  return { message, code, detail, constraint, table };
}
