import type { InvoicePeriod } from './document.ts';

/** `12 of 31 days`, and how fees were shared where it was not by these days. */
export function billedDays({ days, daysInPeriod, sharing }: InvoicePeriod): string {
  const counted = `${days} of ${daysInPeriod} days`;
  switch (sharing?.by) {
    case undefined:
      return counted;
    case 'second':
      return `${counted}; fees by the second from ${sharing.from} up to ${sharing.to}`;
    case 'none':
      return `${counted}; fees whole`;
  }
}
