export { executePlanMove, type PlanMoveOptions, type PlanMovePorts, processPlanMoves } from './execute.ts';
export { type NewPlanMove, newPlanMoveSchema, type PlanMoveRequestPorts, requestPlanMove, requeuePlanMoves } from './request.ts';
