export * from './counted-events.ts';
export * from './event-values.ts';
export * from './level-steps.ts';
export * from './level-usage.ts';
export * from './query-windows.ts';
export * from './recompute.ts';
export * from './series-levels.ts';
export * from './session-usage.ts';
