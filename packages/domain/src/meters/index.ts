export * from './meter.ts';
export * from './path.ts';
export * from './quantity.ts';
export * from './contribution.ts';
