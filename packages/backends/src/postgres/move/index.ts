export {
  copyTable,
  countRows,
  type CopiedTable,
  followIdentities,
  storedCuts,
  tableDigest,
  tablesToCopy,
} from './copy-tables.ts';
export { postgresMoveStore, type MoveIds, type MoveState, type MoveStore } from './move-store.ts';
