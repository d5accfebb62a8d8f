import type { Page, PageRequest } from './page.ts';

export type MoveStepState = 'pending' | 'moved' | 'skipped' | 'failed';

/** Brings the subscriptions to a plan to another version of it, or (a dry run) says what that would do. */
export interface PlanMoveDraft {
  readonly id: string;
  readonly plan: string;
  readonly toVersion: number;
  /** Null: every other version. */
  readonly fromVersions: readonly number[] | null;
  /** Null: every customer. */
  readonly customers: readonly string[] | null;
  readonly exceptCustomers: readonly string[];
  readonly when: 'now' | 'renewal';
  readonly dryRun: boolean;
}

export interface PlanMove extends PlanMoveDraft {
  readonly state: 'running' | 'complete';
  /** Of its subscriptions. */
  readonly counts: Readonly<Record<MoveStepState, number>>;
  readonly createdAtMs: number;
  readonly completedAtMs: number | null;
}

/** What the invoices to come would come to, by what is used so far. Money as text. */
export interface MoveEstimate {
  readonly before: string;
  readonly after: string;
  readonly difference: string;
}

/** One subscription of a move. Of a dry run, `moved` means that it would be. */
export interface PlanMoveStep {
  readonly subscription: string;
  readonly customer: string;
  readonly fromVersion: number;
  /** Id of the change that moves it. */
  readonly change: string;
  readonly state: MoveStepState;
  /** How often it failed. */
  readonly attempts: number;
  /** What was in the way. */
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly effectiveAtMs: number | null;
  readonly estimate: MoveEstimate | null;
}

export interface PlanMoveStore {
  /**
   * In one transaction: the move, and a step for each subscription that has not ended and is under one of the versions now; one that begins later, when
   * it begins.
   */
  insert(draft: PlanMoveDraft, nowMs: number, tenant: string): Promise<PlanMove>;
  move(id: string, tenant: string): Promise<PlanMove | undefined>;
  /** Of a plan, newest first; `after` is an id. */
  moves(plan: string, request: PageRequest, tenant: string): Promise<Page<PlanMove>>;
  /** Moves of every tenant that are not complete, oldest first. */
  unfinished(request: PageRequest): Promise<Page<{ readonly id: string; readonly tenant: string }>>;
  /** By subscription; `after` is one. */
  steps(
    move: string,
    request: PageRequest & { readonly state?: MoveStepState | undefined },
    tenant: string,
  ): Promise<Page<PlanMoveStep>>;
  /** What became of a step. */
  putStep(move: string, step: PlanMoveStep, tenant: string): Promise<void>;
  complete(id: string, nowMs: number, tenant: string): Promise<void>;
}
