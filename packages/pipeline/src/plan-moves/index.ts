export { executePlanMove, type PlanMoveOptions, type PlanMovePorts, processPlanMoves } from './execute.ts';
export { newPlanMoveSchema, type PlanMoveRequestPorts, requestPlanMove, requeuePlanMoves } from './request.ts';
