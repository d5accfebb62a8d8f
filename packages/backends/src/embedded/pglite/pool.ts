import { EventEmitter } from 'node:events';
import type { PgNotification, PgPool, PgPoolClient, PgQueryResult } from 'bullmq';
import type { SqlValue } from '@meterline/pipeline/ports';
import { encodeParam } from '../../postgres/values.ts';
import { rowsOf, type EmbeddedPostgres } from '../pglite.ts';

/** What concerns the session itself, possibly after comments. */
const CONTROL = /^(?:\s|--[^\n]*\n)*(begin|start\s+transaction|commit|end|rollback(?!\s+to)|listen|unlisten)\b\s*("?[\w*]*"?)/i;

/** The channels that clients of the pool listen on; the session listens on a channel as long as one of them does. */
type Channels = Map<string, Set<Client>>;

/**
 * The embedded database as libraries written for a `pg.Pool` expect it. Its clients share the one session: from BEGIN to the end of the
 * transaction a client has the session's turn and the others wait.
 */
export function createPool(database: EmbeddedPostgres): PgPool {
  const channels: Channels = new Map();
  database.session.connection.onNotification((channel, payload) => {
    for (const client of channels.get(channel) ?? []) client.notify({ channel, payload });
  });
  return new Pool(() => new Client(database, channels));
}

class Pool extends EventEmitter implements PgPool {
  /** BullMQ asks: a connection without a network cannot drop silently. */
  readonly options = { keepAlive: true };
  readonly #connect: () => Client;

  constructor(connect: () => Client) {
    super();
    this.setMaxListeners(0);
    this.#connect = connect;
  }

  async query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    return await this.#connect().query<Row>(text, params);
  }

  connect(): Promise<PgPoolClient> {
    return Promise.resolve(this.#connect());
  }

  /** The database belongs to whoever opened it. */
  async end(): Promise<void> {}
}

class Client extends EventEmitter implements PgPoolClient {
  readonly #database: EmbeddedPostgres;
  readonly #channels: Channels;
  /** Set while this client is in a transaction. */
  #endTurn: (() => void) | undefined;

  constructor(database: EmbeddedPostgres, channels: Channels) {
    super();
    this.setMaxListeners(0);
    this.#database = database;
    this.#channels = channels;
  }

  async query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    const [, verb = '', operand = ''] = CONTROL.exec(text) ?? [];
    switch (verb.toLowerCase().replace(/\s.*/s, '')) {
      case '':
        return await this.#send<Row>(text, params);
      case 'begin':
      case 'start': {
        this.#database.session.assertOutsideTransaction();
        this.#endTurn ??= await this.#database.session.turns.take();
        return await this.#send<Row>(text);
      }
      case 'listen':
        await this.#listen(operand.replaceAll('"', ''), text);
        break;
      case 'unlisten':
        await this.#unlisten(operand.replaceAll('"', ''));
        break;
      default:
        // The turn ends when the statement is on its way: what others send comes after it.
        return await this.#send<Row>(text, undefined, true);
    }
    return { rows: [], rowCount: 0 };
  }

  notify(message: PgNotification): void {
    this.emit('notification', message);
  }

  release(): void {
    // Nobody waits for this: a store that has stopped rolls back and listens no more by itself.
    const ignore = (): undefined => undefined;
    if (this.#endTurn !== undefined) this.query('rollback').catch(ignore);
    for (const channel of this.#channels.keys()) this.#unlisten(channel).catch(ignore);
    this.removeAllListeners();
  }

  async #send<Row>(sql: string, params?: readonly unknown[], isLast = false): Promise<PgQueryResult<Row>> {
    const { connection, turns, assertOutsideTransaction } = this.#database.session;
    if (this.#endTurn === undefined) assertOutsideTransaction();
    const endTurn = this.#endTurn ?? (await turns.take());
    const isScript = params === undefined || params.length === 0;
    const sent = connection.send({ sql, params: isScript ? null : params.map((value) => encodeParam(value as SqlValue)) });
    if (isLast) this.#endTurn = undefined;
    if (this.#endTurn === undefined) endTurn();
    const answer = await sent;
    return { rows: rowsOf<Row & object>(answer), rowCount: answer.rowCount };
  }

  async #listen(channel: string, sql: string): Promise<void> {
    const listeners = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, listeners);
    listeners.add(this);
    if (listeners.size === 1) await this.#send(sql);
  }

  async #unlisten(channel: string): Promise<void> {
    const listeners = this.#channels.get(channel);
    if (listeners?.delete(this) === true && listeners.size === 0) {
      this.#channels.delete(channel);
      await this.#send(`unlisten "${channel}"`);
    }
  }
}
