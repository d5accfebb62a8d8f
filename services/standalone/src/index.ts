export type { Decorations } from '@meterline/composition/installation';
export type { StandaloneOptions } from './installation.ts';
export { startStandalone, type Standalone } from './standalone.ts';
