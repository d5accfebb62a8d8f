export * from './insert.ts';
export * from './migrate.ts';
export * from './settings.ts';
