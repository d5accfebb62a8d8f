export { readSettings, settingsHelp, type IngestSettings, type SettingDefaults, type Settings } from './settings.ts';
