import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { CommitcastError } from '../core/errors.ts';
import { isRoleOfToken } from '../gateway/authenticate.ts';
import type { Instance } from './instance.ts';
import { bearerOf } from './read-request.ts';

const adminRole = 'admin';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** What proxies say of whom they ask for. */
const forwardingHeaders = ['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'true-client-ip'];

/** Names under which a browser on this machine reaches us; another one may be a page that rebinds its DNS name. */
export const localNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Metrics and status name consumers, rooms and backends, over all orgs: they are for whoever runs the installation. That
 * is a token whose role is `admin`; and, where that is switched on, somebody on this machine.
 *
 * @throws {CommitcastError} what is wrong with a token; `RATE_LIMITED`; `ADMIN_REQUIRED` for anybody else
 */
export async function expectOperator(
  request: FastifyRequest,
  { rights, localOperator, gateway }: Pick<Instance, 'rights' | 'localOperator' | 'gateway'>,
): Promise<void> {
  if (localOperator && isLocal(request)) return;
  const token = bearerOf(request);
  if (token !== undefined) {
    const identity = await rights.authenticate(token, undefined, (known) => {
      gateway.limits.read(known);
    });
    // A membership says who administers an org, which is not the installation: that only a token can say.
    if (identity.role === adminRole && isRoleOfToken(identity)) return;
  }
  throw new CommitcastError(
    'ADMIN_REQUIRED',
    localOperator
      ? 'This is for requests from this machine, by its local name, or with a token whose role is `admin`'
      : 'This is for requests with a token whose role is `admin`',
  );
}

/**
 * By the socket, not by what Fastify makes of headers: those anybody can send. A request that a proxy on this machine
 * has passed on comes from elsewhere; and so does one of a page whose DNS name leads to this machine all of a sudden,
 * which its browser would let it read.
 */
function isLocal({ raw: { socket, headers, httpVersion } }: FastifyRequest): boolean {
  // nginx before 1.30 speaks so unless told otherwise, names this machine as the host, and says nothing of whom it asks for.
  if (httpVersion === '1.0') return false;
  const address = socket.remoteAddress ?? '';
  const family = isIP(address);
  if (family === 0 || !loopback.check(address, family === 6 ? 'ipv6' : 'ipv4')) return false;
  const { host = '', origin } = headers;
  if (!localNames.has(nameOf(host))) return false;
  // Another page asks through the browser of somebody on this machine, and CORS may let it read.
  if (origin !== undefined && origin !== `http://${host}`) return false;
  return !Object.keys(headers).some(
    (name) => name.startsWith('x-forwarded-') || forwardingHeaders.includes(name),
  );
}

/** Without the port; names of hosts know no case. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
