// Commits rows for ever and prints the id of each one after its commit was answered. `node database-writer.ts <folder>`
import fs from 'node:fs';
import { openPglite } from '@meterline/backends/embedded';

const [, , folder = ''] = process.argv;
const database = await openPglite({ folder });
await database.exec('create table if not exists kept (id integer primary key, twin integer not null)');
const [last] = await database.query<{ id: number }>('select coalesce(max(id), 0) as id from kept');
for (let id = (last?.id ?? 0) + 1; ; id += 2) {
  await database.transaction(async (tx) => {
    await tx.query('insert into kept values ($1, $2)', [id, id + 1]);
    await tx.query('insert into kept values ($1, $2)', [id + 1, id]);
  });
  fs.writeSync(1, `${String(id)}\n`);
}
