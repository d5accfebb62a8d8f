import { Fault } from '@meterline/domain/faults';
import type { SqlValue } from '@meterline/pipeline/ports';
import type { ScriptExecutor } from '../script-database.ts';
import { outcomeUnknown } from './errors.ts';
import type { Session } from './session.ts';

/** Begins, works, commits; rolls back when `work` rejects. `state` says whether the transaction is still open. */
export async function runTransaction<T>(
  session: Session,
  state: { isOpen: boolean },
  work: (tx: ScriptExecutor) => Promise<T>,
): Promise<T> {
  await session.query('begin isolation level read committed');
  let result: T;
  try {
    result = await work(executorOf(session, state));
  } catch (error) {
    state.isOpen = false;
    // The cause matters more than a rollback that could not be sent: then the connection is lost, and the server rolls back by itself.
    await session.query('rollback').catch(() => undefined);
    throw error;
  }
  state.isOpen = false;
  const { command } = await session.query('commit').catch((error: unknown) => {
    throw session.isLost() ? outcomeUnknown(error) : error;
  });
  if (command === 'COMMIT') return result;
  throw Object.assign(new Error('the transaction was rolled back: one of its statements had failed'), { code: '25P02' });
}

function executorOf(session: Session, state: { readonly isOpen: boolean }): ScriptExecutor {
  const assertOpen = (): void => {
    if (!state.isOpen) throw new Fault('unavailable', 'database.transaction_ended', 'the transaction has ended');
  };
  return {
    async query<Row extends object>(sql: string, params?: readonly SqlValue[]) {
      assertOpen();
      return (await session.query<Row>(sql, params)).rows;
    },
    async exec(script) {
      assertOpen();
      await session.exec(script);
    },
  };
}
