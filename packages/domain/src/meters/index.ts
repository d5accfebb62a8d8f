export * from './meter.ts';
export * from './path.ts';
export * from './quantity.ts';
export * from './contribution.ts';
export * from './window-fold.ts';
export * from './level-integral.ts';
export * from './sessions.ts';
