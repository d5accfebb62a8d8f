export { memoryBalanceStore } from './balance-store.ts';
