import type { Standalone } from './standalone.ts';

/** What a person reads after a start: where it listens, where it stores, and a first event to paste. The key itself is shown once. */
export function welcome({ url, adminKey }: Standalone, dataFolder: string): string {
  const key = adminKey.fresh
    ? `Admin key    ${adminKey.token}\n             (shown once; kept in ${adminKey.file})`
    : `Admin key    in ${adminKey.file}`;
  return `
Meterline is ready.

  Listening    ${url}
  API docs     ${url}/docs
  Data folder  ${dataFolder}
  ${key}

Send a first event:

  curl ${url}/v1/events -H "Authorization: Bearer $(cat ${adminKey.file})" \\
    -H 'Content-Type: application/cloudevents+json' \\
    -d '{"specversion":"1.0","id":"1","source":"me","type":"call","subject":"ann","data":{"minutes":"3"}}'

`;
}
