import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The Chromium at METERLINE_CHROMIUM, by default where Linux distributions put theirs. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env['METERLINE_CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(`There is no Chromium at ${executablePath}: set METERLINE_CHROMIUM.`);
  return chromium.launch({ executablePath, args: FLAGS });
}
