export { addMonths, civilOf, epochDayOf } from './civil.ts';
export type { EpochDay } from './civil.ts';
export { afterDuration, isDuration } from './duration.ts';
export { floorMinute, formatInstant, parseInstantMs } from './instant.ts';
export { FIXED_WINDOW_MS, WINDOW_SIZES, windowsBetween } from './windows.ts';
export type { TimeWindow, WindowSize } from './windows.ts';
export {
  formatLocalDay,
  formatLocalMinute,
  isTimezone,
  localDateAt,
  localDaysBetween,
  startOfDateMs,
  startOfLocalDay,
} from './zone.ts';
