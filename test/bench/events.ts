/** The events of the benchmark: about 300 bytes as CloudEvents JSON, three dimensions' worth of data, one subject of many. */
export const SUBJECTS = 10_000;

const MEDIA = ['audio', 'video', 'screen'];
const REGIONS = ['eu-west', 'us-east', 'ap-south', 'sa-east'];

export const SOURCE = '/bench/gateway';
const ID_DIGITS = 12;
const ID_PLACE = '@'.repeat(ID_DIGITS);

/** A CloudEvents batch, as the SDK sends it, that can be sent many times, each time with new ids: the load must cost little beside the server. */
export interface EventBatch {
  readonly body: Buffer;
  /** Each event's part of `body`. */
  readonly events: readonly Uint8Array[];
  renumber(first: number): void;
}

/** The id that `renumber` gives to event `number` of a run. */
export function eventId(run: string, number: number): string {
  return `${run}-${number.toString(36).padStart(ID_DIGITS, '0')}`;
}

/** `count` events; `seed` scatters subjects and dimensions. Times spread over the minute before `nowMs`. */
export function eventBatch(count: number, seed: number, nowMs: number, run: string): EventBatch {
  const events: string[] = [];
  for (let n = 0; n < count; n += 1) {
    // a multiplicative hash scatters without the cost of randomness
    const scattered = Math.imul(seed * count + n + 1, 2_654_435_761) >>> 0;
    const time = new Date(nowMs - (scattered % 60_000)).toISOString();
    events.push(
      `{"specversion":"1.0","id":"${run}-${ID_PLACE}","source":"${SOURCE}","type":"session.minutes",` +
        `"subject":"customer-${scattered % SUBJECTS}","time":"${time}","datacontenttype":"application/json",` +
        `"data":{"minutes":"${(scattered % 97) + 1}.5","media":"${MEDIA[scattered % 3] ?? ''}",` +
        `"region":"${REGIONS[scattered % 4] ?? ''}","user":"user-${scattered % 50_000}"}}`,
    );
  }
  const text = `[${events.join(',')}]`;
  const body = Buffer.from(text);
  const places: number[] = [];
  for (let at = text.indexOf(ID_PLACE); at >= 0; at = text.indexOf(ID_PLACE, at + 1)) places.push(at);
  let end = 0;
  return {
    body,
    events: events.map((event) => {
      const start = end + 1;
      end = start + event.length;
      return body.subarray(start, end);
    }),
    renumber(first) {
      for (const [n, at] of places.entries()) body.write((first + n).toString(36).padStart(ID_DIGITS, '0'), at, 'latin1');
    },
  };
}
