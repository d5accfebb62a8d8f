export type { Decorations } from './decorations.ts';
export type { StandaloneOptions } from './installation.ts';
export { startStandalone, type Standalone } from './standalone.ts';
