import type { Database, RatingStore } from '@meterline/pipeline/ports';
import { prepaidReader } from '../prepaid/index.ts';
import { accountReader } from './account-reader.ts';
import { wakeupStore } from './wakeup-store.ts';

export { alertRuleStore } from './alert-rule-store.ts';

/** What rating reads and records, on PostgreSQL or PGlite. `worker` names this process where several rate: they share the wake-ups. */
export function ratingStore(db: Database, worker?: string): RatingStore {
  return { ...accountReader(db), ...prepaidReader(db), ...wakeupStore(db, worker) };
}
