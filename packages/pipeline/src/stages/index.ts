export { anchorsOf, isOnTrial } from './anchors.ts';
export { paymentMethodTrials, type TrialPorts } from './payment-method.ts';
export { type TrialNotice, trialNotices, type TrialOutcome } from './notices.ts';
export { lapseOf, type PhasedVersion, phasedVersion, phasingOf } from './phasing.ts';
export { byDays, phasingByDays, phasingRecord, stageRecords, standing, timelineIn } from './records.ts';
export { phasedStart, refuseMissingTrial, trialFacts } from './start.ts';
export { tellOfTrials } from './tell-trials.ts';
