import type { IdClaim } from '../ports/usage-store.ts';

/** How an id stands at a point of its partition's log. */
export interface IdState {
  /** The event that counts now, or null once withdrawn. */
  readonly effective: IdClaim | null;
  /** Every event or replacement the id ever brought, in offset order. */
  readonly versions: readonly IdClaim[];
}

/** Folds the claims on one id, in offset order. Undefined: nobody ever claimed it. */
export function idState(claims: readonly IdClaim[]): IdState | undefined {
  if (claims.length === 0) return undefined;
  const last = claims.at(-1);
  const versions = claims.filter((claim) => claim.kind !== 'void');
  return { effective: last === undefined || last.kind === 'void' ? null : last, versions };
}
