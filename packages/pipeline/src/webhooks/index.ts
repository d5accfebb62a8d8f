export * from './message.ts';
export * from './retry.ts';
export * from './send.ts';
export * from './signature.ts';
export * from './target.ts';
