export { attributeChanges } from './attribution.ts';
export { auditRoutes } from './audit-routes.ts';
