export { createHealth, healthRoutes, type Health } from './health.ts';
