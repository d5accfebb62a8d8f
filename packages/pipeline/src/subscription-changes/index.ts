export {
  type ChangePorts,
  changesOf,
  decideChange,
  type Decided,
  type MadeChange,
  makeChange,
  withdrawChange,
} from './changes.ts';
export { executeChange } from './execute.ts';
export type { LastMonths } from './last-months.ts';
export { type ChangePreview, type PreviewPorts, previewChange } from './preview.ts';
export { accountWith, projectedInvoices, type ProjectionPorts } from './projection.ts';
export { type ChangeRequest, changeOrTokenSchema, changeRequestSchema } from './request.ts';
export { restoreBefore } from './restore.ts';
export { planAndVersion, type SubjectPorts } from './subject.ts';
export { pricedIn, stretchesOf } from './stretches.ts';
export { refuseIfChanged, requestOf } from './token.ts';
