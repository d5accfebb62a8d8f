export { migrate } from './migrate.ts';
export type { ScriptDatabase, ScriptExecutor } from './script-database.ts';
