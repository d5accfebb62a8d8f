export { recordingAt } from './attributed.ts';
export { auditTrail } from './audit-trail.ts';
