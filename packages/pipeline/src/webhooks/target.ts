import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Where webhooks may go (`METERLINE_WEBHOOK_ALLOW`). public: public addresses only. loopback: this machine as well, to try things out.
 * private: private networks as well, where receivers live beside Meterline. Never link-local, where clouds keep credentials.
 */
export const WEBHOOK_TARGET_POLICIES = ['public', 'loopback', 'private'] as const;
export type WebhookTargetPolicy = (typeof WEBHOOK_TARGET_POLICIES)[number];

/** The target is not one we connect to. The message never names an address that a name resolved to. */
export class TargetRefusedError extends Error {
  override readonly name = 'TargetRefusedError';
  readonly code = 'webhook.target_refused';
}

const ALLOWED_RANGES: Readonly<Record<WebhookTargetPolicy, readonly string[]>> = {
  public: [],
  loopback: ['loopback'],
  private: ['loopback', 'private', 'uniqueLocal'],
};

/** The only IPv6 space given out for public unicast: all else, mapped and translated IPv4 included, is a detour. */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** Cloud metadata at an address that otherwise counts as private. */
const METADATA_V6 = ipaddr.IPv6.parse('fd00:ec2::254');

/** Why a webhook may not go to this IP address, or undefined if it may. */
export function addressRefusal(address: string, policy: WebhookTargetPolicy): string | undefined {
  if (!ipaddr.isValid(address)) return 'not an IP address';
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (ALLOWED_RANGES[policy].includes(range) && !(parsed instanceof ipaddr.IPv6 && parsed.match(METADATA_V6, 128)))
    return undefined;
  if (range !== 'unicast') return range;
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_UNICAST_V6)) return 'reserved';
  return undefined;
}

/** Names the narrowest setting that would allow the address, if there is one. */
function notPublic(what: string, refusal: string, address: string): TargetRefusedError {
  const allowing = WEBHOOK_TARGET_POLICIES.find((policy) => addressRefusal(address, policy) === undefined);
  const hint = allowing === undefined ? '' : ` (METERLINE_WEBHOOK_ALLOW=${allowing} allows it)`;
  return new TargetRefusedError(`${what} is not a public address but ${refusal}${hint}`);
}

/**
 * The target as a URL if everything that shows without resolving its name is in order: http or https, a port that may speak HTTP (80, 443
 * or above 1023), no credentials, and no forbidden IP address in any spelling. Fails with TargetRefusedError.
 */
export function webhookTarget(text: string, policy: WebhookTargetPolicy): URL {
  if (text.length > 2048) throw new TargetRefusedError('a webhook URL has at most 2,048 characters');
  if (!URL.canParse(text)) throw new TargetRefusedError('not an absolute URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TargetRefusedError('a webhook URL starts with https:// or http://');
  if (url.username !== '' || url.password !== '') throw new TargetRefusedError('a webhook URL must not hold credentials');
  const port = Number(url.port);
  if (url.port !== '' && port !== 80 && port !== 443 && port < 1024)
    throw new TargetRefusedError('the port must be 80, 443 or above 1023');
  // WHATWG parsing has already turned 0x7f.1, 2130706433 and the like into dotted form.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const address = /^(.+\.)?localhost\.?$/.test(host) ? '127.0.0.1' : host;
  const refusal = ipaddr.isValid(address) ? addressRefusal(address, policy) : undefined;
  if (refusal !== undefined) throw notPublic(url.hostname, refusal, address);
  return url;
}

export type ResolveAll = (
  hostname: string,
  options: LookupOptions,
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

const resolveAll: ResolveAll = (hostname, options, done) => systemLookup(hostname, { ...options, all: true }, done);

/**
 * A `lookup` for `net.connect` that fails if any address of the name is forbidden. Connecting uses exactly the addresses judged here, so
 * a name that changes its mind between a check and the connection (DNS rebinding) gains nothing.
 */
export function guardedLookup(policy: WebhookTargetPolicy, resolve: ResolveAll = resolveAll): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, options, (error, addresses) => {
      if (error !== null) return done(error, []);
      for (const { address } of addresses) {
        const refusal = addressRefusal(address, policy);
        if (refusal !== undefined) return done(notPublic(`what ${hostname} resolves to`, refusal, address), []);
      }
      const first = addresses[0];
      if (first === undefined) return done(new TargetRefusedError(`${hostname} has no address`), []);
      if (options.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}
