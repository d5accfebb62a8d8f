export * from './alert-rule.ts';
