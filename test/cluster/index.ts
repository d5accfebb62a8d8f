export { startCluster, type Cluster } from './cluster.ts';
export { ownEnginesTrouble } from './engines.ts';
export { untilScreening } from './screening.ts';
export { SERVICES, type ServiceName } from './services.ts';
export { watchLeases, type LeaseWatch } from './leases.ts';
