import { z } from 'zod';
import { notNegativeField, strictFields } from '../fields.ts';

/**
 * A fee per seat and billing period, for the seats held: at least `minimumSeats` of them are billed, the first `includedSeats` cost
 * nothing. Seats added or given back within the period pay or return their share of its days. `paymentTerm` (default advance)
 * says in which part of a period billed in parts.
 */
export const perSeatSchema = strictFields('per_seat price', {
  model: z.literal('per_seat'),
  seatAmount: notNegativeField('seatAmount'),
  includedSeats: notNegativeField('includedSeats').optional(),
  minimumSeats: notNegativeField('minimumSeats').optional(),
  paymentTerm: z.enum(['advance', 'arrears'], { error: 'paymentTerm must be "advance" or "arrears"' }).optional(),
});
export type PerSeatPrice = z.infer<typeof perSeatSchema>;
