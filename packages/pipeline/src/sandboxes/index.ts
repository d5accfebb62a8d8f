export { clockMoveSchema, clockTargetMs } from './clock-target.ts';
export { moveSandboxClock, type SandboxClockPorts } from './move-clock.ts';
export { type ClocksOnTheirWay, startSandboxClocks } from './sandbox-clocks.ts';
export { newSandboxSchema, sandboxCatalog, type SandboxCatalog } from './sandboxes.ts';
export { sweepSandboxes } from './sweep.ts';
