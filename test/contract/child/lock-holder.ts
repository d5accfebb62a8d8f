// Locks a folder, says so, and holds it until killed. `node lock-holder.ts <folder>`
import fs from 'node:fs';
import { lockFolder } from '@meterline/backends/embedded';

const [, , folder = ''] = process.argv;
lockFolder(folder);
fs.writeSync(1, 'locked\n');
setInterval(() => undefined, 1000);
