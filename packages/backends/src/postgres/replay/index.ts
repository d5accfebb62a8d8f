export { postgresReplayStore, servicesRunning, type Replay, type ReplayLayout, type ReplayStore } from './replay-store.ts';
