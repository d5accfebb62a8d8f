export { type AlertPorts, evaluateWakeups } from './evaluate.ts';
export { alertMessage, occurrenceDocument } from './occurrence.ts';
export { type AlertRuleRequest, createAlertRule } from './rules.ts';
export { startWakeLoop, type WakeLoop, type WakeLoopHealth, type WakeLoopOptions } from './wake-loop.ts';
