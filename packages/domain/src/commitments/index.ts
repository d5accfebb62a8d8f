export { type CommitmentDifference, commitmentDifference } from './difference.ts';
export { commitmentSchema, type Commitment } from './commitment.ts';
export { commitmentTermAt, type CommitmentTerm } from './term.ts';
export {
  NOTHING_SETTLED,
  SETTLEMENT_KINDS,
  settleCommitment,
  type CommitmentLine,
  type CommitmentSettlement,
  type Settled,
  type SettlementInput,
  type SettlementKind,
} from './settle.ts';
