import type { SocketData } from '../../src/gateway/identity.ts';
import { connectClient, type TestClientOptions } from '../support/client.ts';
import type { TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

/** What the server says: who the socket is, or the code of the refusal. */
export async function arrive(
  server: TestServer,
  auth: TestClientOptions,
): Promise<SocketData | string | undefined> {
  const client = await connectClient(server.url, auth);
  await until(() => client.lives.length + client.refusals.length > 0);
  const { id } = client.socket;
  const data = server.app.commitcast.io.of('/').sockets.get(id ?? '')?.data as SocketData | undefined;
  client.socket.disconnect();
  return data ?? client.refusals[0]?.data?.code;
}
