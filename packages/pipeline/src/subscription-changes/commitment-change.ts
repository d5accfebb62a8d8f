import { type CommitmentDifference, commitmentDifference } from '@meterline/domain/commitments';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { formatInstant, startOfDateMs } from '@meterline/domain/time';
import { stageAt } from '../catalog/index.ts';
import type { Decided } from './changes.ts';

/** What a change does to the commitment of the subscription, by the invoices that come with it. Where it rests or has ended nothing is committed. */
export function commitmentChange(
  { subject, update, day }: Decided,
  invoices: readonly InvoiceDocument[],
): CommitmentDifference | null {
  const { subscription, customer } = subject;
  const dayMs = startOfDateMs(day, customer.timezone);
  const committed = (of: Pick<typeof update, 'stages' | 'endsAtMs'>) => {
    const { paused, commitment } = stageAt(of, dayMs);
    return paused || (of.endsAtMs ?? Infinity) < dayMs ? null : commitment;
  };
  return commitmentDifference(
    {
      before: committed(subscription),
      after: committed(update),
      at: formatInstant(dayMs),
      currency: customer.currency,
    },
    invoices.flatMap(({ commitments = [] }) => commitments),
  );
}
