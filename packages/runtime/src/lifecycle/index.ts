export { runService, type OnStop, type ServiceOptions } from './lifecycle.ts';
