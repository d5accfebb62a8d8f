export type { UpgradePorts } from './ports.ts';
export { resumeUpgrades, rollBackUpgrade, startUpgrade, upgradeOf, upgradeRequestSchema } from './upgrade.ts';
