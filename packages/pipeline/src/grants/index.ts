export {
  balancesAt,
  balancesNow,
  type BalancePorts,
  type BalanceTotal,
  type CustomerBalances,
  type ShownBalance,
} from './balances.ts';
export { createGrant, type GrantPorts, setBurnOrder, voidGrant } from './grants.ts';
export { type NewGrant, newGrantSchema } from './new-grant.ts';
