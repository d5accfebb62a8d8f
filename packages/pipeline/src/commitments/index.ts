export { type AgreedSubscription, elapsedDays, termAt, termOf } from './term-of.ts';
