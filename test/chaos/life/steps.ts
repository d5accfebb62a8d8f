import type { Decorations } from '@meterline/standalone';
import type { SqlExecutor, SqlValue } from '@meterline/pipeline/ports';

/** Named points of the life of a subscription, in the order in which `play.ts` passes them. */
export const LIFE_STEPS = [
  'change.inserted',
  'upgrade.noted',
  'upgrade.concluding',
  'rollback.concluding',
  'trial.told',
  'move.changed',
  'clock.stepped',
] as const;

export type LifeStep = (typeof LIFE_STEPS)[number];

export const isLifeStep = (step: string): step is LifeStep => LIFE_STEPS.some((one) => one === step);

interface Passing {
  readonly when: 'before' | 'after';
  readonly statement: string;
  /** Its first parameter, where it matters. */
  readonly first?: SqlValue;
}

/** Statements of the billing store: some within a transaction, which is lost with the process. */
const PASSED: Readonly<Record<LifeStep, Passing>> = {
  'change.inserted': { when: 'after', statement: 'insert into subscription_change ' },
  'upgrade.noted': { when: 'after', statement: 'insert into subscription_upgrade ' },
  'upgrade.concluding': { when: 'before', statement: 'update subscription_upgrade set state', first: 'done' },
  'rollback.concluding': { when: 'before', statement: 'update subscription_upgrade set state', first: 'rolled_back' },
  'trial.told': { when: 'after', statement: 'update trial_notice set told_at' },
  'move.changed': { when: 'before', statement: 'update plan_move_step set state' },
  'clock.stepped': { when: 'after', statement: 'update sandbox s set' },
};

/** The billing store, telling `reach` of every such statement. */
export function lifeDecorations(reach: (step: LifeStep) => void): Decorations {
  function told<Executor extends SqlExecutor>(executor: Executor): Executor {
    return {
      ...executor,
      async query<Row extends object>(sql: string, params: readonly SqlValue[] = []): Promise<Row[]> {
        const steps = LIFE_STEPS.filter((step) => {
          const { statement, first } = PASSED[step];
          return sql.startsWith(statement) && (first === undefined || params[0] === first);
        });
        const pass = (when: Passing['when']) => steps.filter((step) => PASSED[step].when === when).forEach(reach);
        pass('before');
        const rows = await executor.query<Row>(sql, params);
        pass('after');
        return rows;
      },
    };
  }
  return {
    database: (database) => ({
      ...told(database),
      transaction: (work) => database.transaction((tx) => work(told(tx))),
    }),
  };
}
