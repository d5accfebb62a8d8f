import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const pom = path.join(import.meta.dirname, 'pom.xml');
const cache = path.join(import.meta.dirname, '../../../node_modules/.cache/meterline/kafka');

/** Why a local Kafka cannot be had here, in words for the one who runs the tests; undefined if it can. */
export async function kafkaAvailable(): Promise<string | undefined> {
  const java = await run('java', ['-version']).catch(() => undefined);
  const major = /version "(\d+)/.exec(java?.stderr ?? '')?.[1];
  if (major === undefined || Number(major) < 11) return 'Apache Kafka needs Java 11 or later on the path';
  try {
    await kafkaJars();
    return undefined;
  } catch (error) {
    return `Apache Kafka's jars could not be resolved with Maven (mvn): ${error instanceof Error ? error.message : String(error)}`;
  }
}

let resolving: Promise<string> | undefined;

/** The folder with Kafka's jars: from the cache, or resolved with Maven once. */
export function kafkaJars(): Promise<string> {
  resolving ??= resolveJars();
  return resolving;
}

async function resolveJars(): Promise<string> {
  const version = /<version>([^<]+)<\/version>/.exec(readFileSync(pom, 'utf8'))?.[1] ?? '';
  const folder = path.join(cache, version);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Complete or not there: several test runs may resolve at once.
  const partial = `${folder}.${process.pid}`;
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`];
  await run('mvn', ['--batch-mode', '--quiet', '--file', pom, ...goal], { timeout: 300_000 });
  if (!readdirSync(partial).some((name) => name.startsWith('kafka_'))) throw new Error(`no Kafka among the jars in ${partial}`);
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(partial, { recursive: true });
  }
  return folder;
}
