/** The events of the benchmark: about 300 bytes as CloudEvents JSON, three dimensions' worth of data, one subject of many. */
export const SUBJECTS = 10_000;

const MEDIA = ['audio', 'video', 'screen'];
const REGIONS = ['eu-west', 'us-east', 'ap-south', 'sa-east'];

/** NDJSON of `count` events from number `first` on. Times spread over the minute before `nowMs`. */
export function eventLines(first: number, count: number, nowMs: number, run: string): string {
  const lines: string[] = [];
  for (let n = first; n < first + count; n += 1) {
    // a multiplicative hash scatters subjects without the cost of randomness
    const subject = Math.imul(n, 2_654_435_761) >>> 0;
    const time = new Date(nowMs - (subject % 60_000)).toISOString();
    lines.push(
      `{"specversion":"1.0","id":"${run}-${n.toString(36).padStart(12, '0')}","source":"/bench/gateway","type":"session.minutes",` +
        `"subject":"customer-${subject % SUBJECTS}","time":"${time}","datacontenttype":"application/json",` +
        `"data":{"minutes":"${(subject % 97) + 1}.5","media":"${MEDIA[subject % 3] ?? ''}","region":"${REGIONS[subject % 4] ?? ''}","user":"user-${subject % 50_000}"}}`,
    );
  }
  return lines.join('\n');
}
