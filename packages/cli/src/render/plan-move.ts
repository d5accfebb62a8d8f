import { table } from './table.ts';

export interface PlanMove {
  readonly id: string;
  readonly plan: string;
  readonly toVersion: number;
  readonly dryRun: boolean;
  readonly state: 'running' | 'complete';
  readonly total: number;
  readonly pending: number;
  readonly moved: number;
  readonly skipped: number;
  readonly failed: number;
}

export interface MoveStep {
  readonly subscription: string;
  readonly customer: string;
  readonly fromVersion: number;
  readonly state: string;
  readonly reason: { readonly message: string } | null;
  readonly effectiveAt: string | null;
  readonly estimate: { readonly before: string; readonly after: string; readonly difference: string } | null;
}

/** A dry run is told subscription by subscription; of a move only what did not go through. */
export function planMoveText({ dryRun, plan, toVersion, moved, skipped, failed }: PlanMove, steps: readonly MoveStep[]): string {
  const verb = dryRun ? 'would be moved' : 'moved';
  const summary = `${moved} ${verb} to version ${toVersion} of ${plan}, ${skipped} skipped, ${failed} failed.`;
  const told = dryRun ? steps : steps.filter(({ state }) => state !== 'moved');
  if (told.length === 0) return summary;
  const columns = ['subscription', 'customer', 'from version', 'state', 'takes effect'].map((title) => ({ title }));
  const money = ['before', 'after', 'difference'].map((title) => ({ title, align: 'right' as const }));
  const rows = told.map(({ subscription, customer, fromVersion, state, effectiveAt, estimate, reason }) => [
    ...[subscription, customer, String(fromVersion), state, effectiveAt ?? ''],
    ...(dryRun ? [estimate?.before ?? '', estimate?.after ?? '', estimate?.difference ?? ''] : []),
    reason?.message ?? '',
  ]);
  return [table([...columns, ...(dryRun ? money : []), { title: 'why' }], rows), '', summary].join('\n');
}
