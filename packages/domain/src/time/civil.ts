/** A date without a zone, as the number of days since 1970-01-01. */
export type EpochDay = number;

/** Days since 1970-01-01 of a date of the proleptic Gregorian calendar; `month` is 1 to 12. */
export function epochDayOf(year: number, month: number, day: number): EpochDay {
  // Years that begin in March put the leap day last, so that the days before a month follow one formula.
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The date of an epoch day; `month` is 1 to 12. */
export function civilOf(epochDay: EpochDay): { year: number; month: number; day: number } {
  const date = new Date(epochDay * 86_400_000);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** Adds calendar months; a day the month does not have becomes its last day (31 January + 1 = 28 or 29 February). */
export function addMonths(epochDay: EpochDay, months: number): EpochDay {
  const { year, month, day } = civilOf(epochDay);
  const monthsSinceYearZero = year * 12 + (month - 1) + months;
  const toYear = Math.floor(monthsSinceYearZero / 12);
  const toMonth = monthsSinceYearZero - toYear * 12 + 1;
  return epochDayOf(toYear, toMonth, Math.min(day, daysInMonth(toYear, toMonth)));
}
