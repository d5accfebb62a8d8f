export * from './recompute.ts';
