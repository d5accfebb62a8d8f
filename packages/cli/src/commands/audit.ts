import { InvalidArgumentError } from 'commander';
import { instantArgument } from '../instants.ts';
import { itemsOf } from '../pages.ts';
import { auditText, type AuditRecord } from '../render/audit.ts';
import { type AddCommand, examples } from '../session.ts';

interface AuditOptions {
  readonly type?: string;
  readonly object?: string;
  readonly actor?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

const NOTES = `
Types: api_key, meter, meter_backfill, customer, feature, plan, plan_version, subscription, alert_rule, webhook_endpoint, invoice_schedule.
A plan version is named by its plan and number: pro@2. "system" is what the server did by itself, such as disabling a webhook
endpoint that is gone. The answer holds each object whole, as it was and as it became: --json shows it.`;

export const auditCommand: AddCommand = (program, open) => {
  program
    .command('audit')
    .option('--type <type>', 'only objects of this type, such as plan')
    .option('--object <key>', 'only the object with this key or id')
    .option('--actor <id>', 'only what this API key did (meterline key list shows ids), or system')
    .option('--from <instant>', 'RFC 3339, or a date (midnight UTC)', instantArgument)
    .option('--to <instant>', 'exclusive', instantArgument)
    .option('--limit <records>', 'at most so many, newest first', wholeNumber, 50)
    .description('who changed what, and when: before and after')
    .addHelpText(
      'after',
      examples(
        'meterline audit',
        'meterline audit --type plan_version --object pro@2',
        'meterline audit --actor system --from 2026-11-01',
        "meterline audit --object acme --json | jq '.[0].before'",
      ),
    )
    .addHelpText('after', NOTES)
    .action(async ({ limit, ...filters }: AuditOptions) => {
      const { client, terminal, show } = await open();
      const records: AuditRecord[] = [];
      let more = false;
      for await (const item of itemsOf(client, '/v1/audit', { ...filters, limit: Math.min(limit + 1, 1000) })) {
        more = records.length === limit;
        if (more) break;
        records.push(item as AuditRecord);
      }
      show(records, () => auditText(records, terminal));
      if (more) terminal.tell(`There are older ones: --limit ${limit * 10} shows more.`);
    });
};

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be a whole number from 1 to 999999.');
}
