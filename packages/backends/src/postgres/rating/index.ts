import type { Database, RatingStore } from '@meterline/pipeline/ports';
import { accountReader } from './account-reader.ts';
import { wakeupStore } from './wakeup-store.ts';

export { alertRuleStore } from './alert-rule-store.ts';

/** What rating reads and records, on PostgreSQL or PGlite. */
export function ratingStore(db: Database): RatingStore {
  return { ...accountReader(db), ...wakeupStore(db) };
}
