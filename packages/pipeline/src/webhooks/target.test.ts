import { expect, test } from 'vitest';
import {
  addressRefusal,
  guardedLookup,
  type ResolveAll,
  TargetRefusedError,
  WEBHOOK_TARGET_POLICIES,
  webhookTarget,
} from './index.ts';

/** Every spelling must be refused before anything is dialled. */
const HOSTILE = [
  // this machine
  ...[
    '127.0.0.1',
    '127.1',
    '127.255.255.254',
    '0x7f.1',
    '0x7f000001',
    '0X7F.0x0.0x0.0x1',
    '0177.0.0.1',
    '017700000001',
    '2130706433',
  ],
  ...[
    '127.0.0.1.',
    '0',
    '0.0.0.0',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'api.localhost',
  ],
  ...['%31%32%37.0.0.1', '①②⑦.0.0.1', '127。0。0。1'],
  // IPv4 inside IPv6: mapped, compatible, translated, NAT64, 6to4, Teredo
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:169.254.169.254]', '[::ffff:8.8.8.8]', '[::127.0.0.1]', '[::7f00:1]'],
  ...['[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::a00:1]', '[2002:7f00:1::]'],
  ...['[2002:a00:1::1]', '[2001:0:7f00:1::]'],
  // cloud metadata
  ...['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '100.100.100.200', '192.0.0.192'],
  ...['[fd00:ec2::254]', '[fe80::a9fe:a9fe]'],
  // private networks
  ...[
    '10.0.0.1',
    '10.255.255.255',
    '0xa.1',
    '012.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    '192.168.65535',
    '100.64.0.1',
  ],
  ...['[fc00::1]', '[fd12:3456:789a::1]', '[fe80::1]', '[febf::1]', '[fec0::1]'],
  // never a unicast host
  ...['224.0.0.1', '239.255.255.250', '255.255.255.255', '240.0.0.1', '0.1.2.3', '198.18.0.1', '192.0.2.1', '198.51.100.1'],
  ...[
    '203.0.113.1',
    '192.88.99.1',
    '[ff02::1]',
    '[100::1]',
    '[2001:db8::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[2001:2::1]',
    '[4000::1]',
  ],
].map((host) => `http://${host}/hook`);

const MALFORMED = [
  ...[
    '',
    'example.com/hook',
    '//example.com',
    '/hook',
    'https://',
    'https://exa mple.com',
    'http://256.1.1.1',
    'http://1.2.3.4.5',
    'http://[::1',
    'http://0x100000000',
  ],
  ...[
    'file:///etc/passwd',
    'ftp://example.com',
    'gopher://example.com',
    'javascript:alert(1)',
    'data:text/plain,hi',
    'ws://example.com',
  ],
  ...['https://user:secret@example.com', 'https://user@example.com', 'http://example.com@127.0.0.1/', 'https://example.com:22/'],
  ...['http://example.com:25', 'http://example.com:0', 'http://example.com:65536', `https://example.com/${'x'.repeat(2048)}`],
];

test.each(HOSTILE)('%s is refused, and not for its form', (url) => {
  expect(() => webhookTarget(url, 'public')).toThrow(/is not a public address but/);
});

test.each(MALFORMED)('%s is refused', (url) => {
  expect(() => webhookTarget(url, 'public')).toThrow(TargetRefusedError);
});

test.each([
  'https://example.com/hook',
  'http://example.com',
  'https://example.com:443',
  'https://example.com:8443/a?b=c',
  'http://8.8.8.8',
  'https://[2606:4700::1111]/',
  'http://0x8.0x8.8.8',
])('%s is accepted', (url) => {
  expect(webhookTarget(url, 'public').href).toBe(new URL(url).href);
});

test('loopback opens this machine alone; private also private networks, but never where clouds keep credentials', () => {
  for (const address of ['127.0.0.1', '::1']) {
    expect(addressRefusal(address, 'public')).toBe('loopback');
    expect(addressRefusal(address, 'loopback')).toBeUndefined();
  }
  for (const address of ['10.0.0.1', '192.168.1.1', '172.20.0.2', 'fd12::1']) {
    expect(addressRefusal(address, 'loopback')).toBeDefined();
    expect(addressRefusal(address, 'private')).toBeUndefined();
  }
  for (const address of [
    '169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '0.0.0.0',
    '100.100.100.200',
  ]) {
    expect(addressRefusal(address, 'private')).toBeDefined();
  }
});

test('the refusal says which setting would allow the target', () => {
  expect(() => webhookTarget('http://localhost:9000', 'public')).toThrow('METERLINE_WEBHOOK_ALLOW=loopback');
  expect(() => webhookTarget('http://10.0.0.1', 'loopback')).toThrow('METERLINE_WEBHOOK_ALLOW=private');
  expect(webhookTarget('http://localhost:9000', 'loopback').port).toBe('9000');
});

test.each(['169.254.169.254', '[fe80::1]', '[fd00:ec2::254]', '100.100.100.200', '0.0.0.0'])(
  'the refusal of %s, which no setting allows, suggests none',
  (host) => {
    for (const policy of WEBHOOK_TARGET_POLICIES)
      expect(() => webhookTarget(`http://${host}/`, policy)).toThrow(/is not a public address but \w+$/);
  },
);

const PUBLIC = { address: '93.184.216.34', family: 4 };

function lookup(resolve: ResolveAll, all: boolean): Promise<unknown> {
  return new Promise((done, fail) => {
    guardedLookup('public', resolve)('receiver.example', { all }, (error, address) =>
      error === null ? done(address) : fail(error),
    );
  });
}

test.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:10.0.0.1', '64:ff9b::a00:1', 'not-an-address'])(
  'a name is refused if any of its addresses is forbidden (%s), and the address stays untold',
  async (address) => {
    for (const addresses of [[{ address, family: 4 }], [PUBLIC, { address, family: 4 }], [{ address, family: 4 }, PUBLIC]]) {
      const refusal = lookup((_name, _options, done) => done(null, addresses), true);
      await expect(refusal).rejects.toMatchObject({ code: 'webhook.target_refused' });
      await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining(address) as string });
    }
  },
);

test('the addresses that were judged are the ones to dial, in the form asked for', async () => {
  const resolve: ResolveAll = (_name, _options, done) => done(null, [PUBLIC]);
  expect(await lookup(resolve, true)).toEqual([PUBLIC]);
  expect(await lookup(resolve, false)).toBe(PUBLIC.address);
  await expect(lookup((_name, _options, done) => done(null, []), true)).rejects.toThrow('has no address');
  await expect(lookup((_name, _options, done) => done(new Error('no such name'), []), true)).rejects.toThrow('no such name');
});
