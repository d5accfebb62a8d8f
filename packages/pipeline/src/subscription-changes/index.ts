export { type ChangePorts, changesOf, type MadeChange, withdrawChange } from './changes.ts';
export { executeChange } from './execute.ts';
export { type ChangePreview, type LastMonths, type PreviewPorts, previewChange } from './preview.ts';
export { type ChangeRequest, changeOrTokenSchema, changeRequestSchema } from './request.ts';
export { restoreBefore } from './restore.ts';
export { planAndVersion } from './subject.ts';
export { stretchesOf } from './stretches.ts';
export { refuseIfChanged, requestOf } from './token.ts';
