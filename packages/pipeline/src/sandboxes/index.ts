export { moveSandboxClock, type SandboxClockPorts } from './move-clock.ts';
export { startSandboxClocks } from './sandbox-clocks.ts';
export { newSandboxSchema, sandboxCatalog, type SandboxCatalog } from './sandboxes.ts';
