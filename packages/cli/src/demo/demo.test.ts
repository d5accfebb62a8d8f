import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { callsUntil } from './expected.ts';
import { isGenuine } from './receiver.ts';
import { readTrace } from './trace.ts';

describe('the trace', () => {
  it('comes to exactly 148.67 on the card, in plain integers', async () => {
    const trace = await readTrace();
    expect(trace.length).toBe(19_366);
    const [exact, more] = callsUntil(trace, [148_67n, 148_68n]);
    expect(exact).toBeLessThanOrEqual(19_366);
    expect(more).toBeUndefined();
  });

  it('counts from the first call that reaches an amount', () => {
    const call = { id: 'c', time: '', timeMs: 0, inputTokens: '0', outputTokens: '60000' };
    // 49.00 + 0.90 for the first package, 0.90 more with the second call; calls round to 0.00, 0.00 and 0.01.
    expect(callsUntil([call, call, call], [49_90n, 49_91n, 50_81n, 50_82n])).toEqual([1, 2, 3, undefined]);
  });
});

describe('the webhook receiver', () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const sentAt = new Date('2023-11-16T19:15:00Z');
  const body = '{"type":"ping"}';
  const signature = new Webhook(secret).sign('msg_1', sentAt, body);
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(sentAt.getTime() / 1000),
    'webhook-signature': `v1,AAAA ${signature}`,
  };

  it('trusts what the reference implementation signed', () => {
    expect(isGenuine(headers, body, secret, sentAt.getTime() + 1000)).toBe(true);
  });

  it.each([
    ['another body', headers, `${body} `, 0],
    ['another id', { ...headers, 'webhook-id': 'msg_2' }, body, 0],
    ['another time', { ...headers, 'webhook-timestamp': '1700162101' }, body, 0],
    ['an old message', headers, body, 301_000],
    ['no signature', { ...headers, 'webhook-signature': undefined }, body, 0],
  ])('does not trust %s', (_what, given, text, laterMs) => {
    expect(isGenuine(given, text, secret, sentAt.getTime() + laterMs)).toBe(false);
  });
});
