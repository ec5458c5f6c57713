import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** What is asked of a request. */
export interface AddressedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/**
 * Where a request comes from, for counting. Each proxy of the `proxyHops` in front adds to X-Forwarded-For whom it was
 * asked by; what stands before that, anybody may have written. Of IPv6 it is the /64: that is what one customer gets.
 */
export function addressOf({ headers, socket }: AddressedRequest, proxyHops: number): string {
  const forwarded = headers['x-forwarded-for'];
  const told = proxyHops === 0 || forwarded === undefined ? [] : [forwarded].flat().join(',').split(',');
  const way = [...told, socket.remoteAddress ?? ''];
  return networkOf(way[Math.max(0, way.length - 1 - proxyHops)] ?? '');
}

function networkOf(text: string): string {
  const bare = text
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/^::ffff:(?=[\d.]+$)/i, '')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  const family = isIP(bare);
  if (family === 4) return bare;
  // Whatever a proxy says that is none counts as one address.
  return family === 6 ? `${firstHalf(bare)}::/64` : 'unknown';
}

/** The first four of the eight groups, each in its shortest form. */
function firstHalf(address: string): string {
  const [front = [], back] = address
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = back ? Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0') : [];
  return [...front, ...zeros, ...(back ?? [])]
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}
