import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { settingsHelp } from './index.ts';

const GUIDE = path.join(import.meta.dirname, '../../../../docs/guides/configuration.md');

const INTRODUCTION = `# Configuration

Every setting is an environment variable, and every process understands all of them; what it has no use for it ignores. \`npm start -- --help\` (or
\`npm run start:ingest -- --help\`, \`docker compose run --rm ingest --help\`) prints them with the defaults of that process. A wrong value stops
the start with a sentence that names it. An empty variable is an unset one. Passwords and URLs that may hold one never reach a log.

Which variables \`docker-compose.yml\` takes is in \`.env.example\`; [deploying](deploy.md) says which have to be changed before it bills anybody.
What tests listen to (\`METERLINE_TEST_ENGINES\`, \`METERLINE_TEST_KAFKA\` and so on) is in [CONTRIBUTING.md](../../CONTRIBUTING.md#tests).
`;

/** Each group of the help as a table. */
function tables(): string {
  return settingsHelp()
    .split('\n\n')
    .map((group) => {
      const [title = '', ...lines] = group.split('\n');
      const rows = lines.map((line) => {
        const cells = line.split(/ {2,}/);
        const [name = '', meaning = ''] = [cells.at(0), cells.at(-1)];
        const shown = cells.length === 3 ? `\`${cells[1] ?? ''}\`` : '';
        return `| \`${name}\` | ${shown} | ${meaning.replaceAll('<', '\\<')} |`;
      });
      return [`## ${title}`, '', '| Setting | Default | |', '| --- | --- | --- |', ...rows].join('\n');
    })
    .join('\n\n');
}

// After a change of a setting: npx vitest run packages/runtime/src/config --update
it('the guide to the configuration has every setting, as --help prints it', async () => {
  const guide = await format(`${INTRODUCTION}\n${tables()}\n`, { ...(await resolveConfig(GUIDE)), parser: 'markdown' });
  expect(guide.match(/^\| `METERLINE_/gm)).toHaveLength(settingsHelp().match(/^METERLINE_/gm)?.length ?? 0);
  await expect(guide).toMatchFileSnapshot(GUIDE);
});
