export type { EntitlementAnswer, EntitlementsAnswer } from './answer.ts';
export { type EntitlementCheckPorts, type EntitlementChecks, entitlementChecks } from './check.ts';
export { entitlementsAt, type EntitlementPorts } from './entitlements-at.ts';
export { entitlementMessage } from './occurrence.ts';
export { refreshEntitlements, type RefreshPorts } from './refresh.ts';
