/**
 * Appends to the log in the folder given until it is killed, many batches at a time, and prints `partition first count` for every
 * batch that was acknowledged. The value of a record is its own offset, as far as its writer knows it: `first/index`.
 */
import { writeSync } from 'node:fs';
import { openLmdbLog } from '@meterline/backends/embedded';

const [folder = '', round = ''] = process.argv.slice(2);
const log = await openLmdbLog({ folder, partitionCount: 2 });

async function appendForever(writer: number): Promise<never> {
  for (let i = 0; ; i++) {
    const partition = (writer + i) % 2;
    const count = 1 + ((writer * 7 + i) % 40);
    const records = Array.from(
      { length: count },
      (_, k) => ({ kind: 'event', value: Buffer.from(`${round}/${writer}/${i}/${k}/${count}`) }) as const,
    );
    const first = await log.append({ partition, tenant: 'default', appendedAtMs: i, records });
    writeSync(1, `${partition} ${first} ${round}/${writer}/${i} ${count}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, writer) => appendForever(writer)));
