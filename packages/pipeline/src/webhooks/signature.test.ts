import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { newWebhookMessageId, newWebhookSecret, signatureHeaders, webhookMessageId, webhookPayload } from './index.ts';

const payload = webhookPayload('alert.triggered', Date.parse('2026-11-22T01:20:10.123Z'), { customer: 'acmé', spend: '50.00' });

test('the official library accepts the signature, with either secret while one is being rotated', () => {
  const [newer, older, foreign] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()];
  const headers = signatureHeaders('msg_1', payload, [newer, older], Date.now());
  const body = { type: 'alert.triggered', timestamp: '2026-11-22T01:20:10.123Z', data: { customer: 'acmé', spend: '50.00' } };
  expect(new Webhook(newer).verify(payload, headers)).toEqual(body);
  expect(new Webhook(older).verify(payload, headers)).toEqual(body);
  expect(() => new Webhook(foreign).verify(payload, headers)).toThrow('No matching signature');
  expect(() => new Webhook(newer).verify(payload.replace('50.00', '5.00'), headers)).toThrow('No matching signature');
});

test('secrets are 32 random bytes behind whsec_', () => {
  const secret = newWebhookSecret();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(newWebhookSecret()).not.toBe(secret);
});

test('the message id of one occurrence is always the same, and differs between tenants, types and occurrences', () => {
  const id = webhookMessageId('a', 'alert.triggered', '1');
  expect(id).toMatch(/^msg_[0-9a-f]{32}$/);
  expect(webhookMessageId('a', 'alert.triggered', '1')).toBe(id);
  const others = [
    webhookMessageId('b', 'alert.triggered', '1'),
    webhookMessageId('a', 'invoice.finalized', '1'),
    webhookMessageId('a', 'alert.triggered', '2'),
    newWebhookMessageId(),
    newWebhookMessageId(),
  ];
  expect(new Set([id, ...others]).size).toBe(6);
});

test('a payload stays below 20,000 bytes', () => {
  const empty = Buffer.byteLength(webhookPayload('ping', 0, { text: '' }));
  expect(Buffer.byteLength(webhookPayload('ping', 0, { text: 'x'.repeat(19_999 - empty) }))).toBe(19_999);
  expect(() => webhookPayload('ping', 0, { text: 'x'.repeat(20_000 - empty) })).toThrow('must stay below 20000');
});
