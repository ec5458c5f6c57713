import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { attach, type AttachedCommitcast, type AttachOptions } from '../../src/http/attach.ts';
import type { TestDatabase } from '../support/database.ts';
import { secret } from '../support/tokens.ts';

/** Commitcast on a server; taken off at the end of the test, if the test has not. */
export async function attachTo(
  server: Server,
  database: TestDatabase,
  options: AttachOptions = {},
): Promise<AttachedCommitcast> {
  const commitcast = await attach(server, {
    databaseUrl: database.url,
    jwt: { secret },
    adapter: 'memory',
    ...options,
  });
  onTestFinished(() => commitcast.close());
  return commitcast;
}

/** An application of `node:http`. */
export function serverOf(listener: RequestListener): Server {
  const server = createServer(listener);
  onTestFinished(() => endServer(server));
  return server;
}

export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return urlOf(server);
}

export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As an application does it: it waits for every connection. */
export async function endServer(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  await closed;
}
