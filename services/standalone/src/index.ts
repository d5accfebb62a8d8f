export type { Decorations } from './decorations.ts';
export { startStandalone, type Standalone, type StandaloneOptions } from './standalone.ts';
