#!/usr/bin/env node
// Plain JavaScript, so that any Node can read it. The command itself is TypeScript, which needs a Node that strips types: under an
// older one it is run by the Node that the project brings along.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;
const ALREADY_TRIED = 'METERLINE_CLI_NODE';

const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const isNewEnough = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN;
const pinned = isNewEnough || process.env[ALREADY_TRIED] ? undefined : pinnedNode();

if (isNewEnough) await import('../src/main.ts');
else if (pinned) runWith(pinned);
else {
  console.error(
    `meterline needs Node ${NODE_MAJOR_MIN}, and this is ${process.version}. Run "npm ci" in the project: it brings its own.`,
  );
  process.exitCode = 2;
}

/** The first node_modules/.bin/node from here upward. */
function pinnedNode() {
  for (let folder = here; dirname(folder) !== folder; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', '.bin', 'node');
    if (existsSync(node)) return node;
  }
  return undefined;
}

function runWith(node) {
  const args = [join(here, 'meterline.js'), ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, [ALREADY_TRIED]: process.version } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`meterline: cannot run ${node}: ${error.message}`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
  });
}
