export { readSettings, settingsHelp, type IngestSettings, type Settings } from './settings.ts';
