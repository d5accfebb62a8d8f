export {
  changedSince,
  type ChangePorts,
  changesOf,
  decideChange,
  type Decided,
  makeChange,
  type MadeChange,
  withdrawChange,
} from './changes.ts';
export { type ChangeOrToken, changeOrTokenSchema, type ChangeRequest, changeRequestSchema } from './request.ts';
export { type PlannedStage, stretchesOf } from './stretches.ts';
