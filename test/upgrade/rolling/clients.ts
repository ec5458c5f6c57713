import { io } from 'socket.io-client';
import type { CommitcastClient, ConnectOptions } from '../../../src/client/index.ts';
import { subscriptionKey, type Subscription } from '../../../src/core/subscription.ts';
import type { ClientHistory, Step } from '../../../src/testing/history.ts';
import { recordClient } from '../../../src/testing/record-client.ts';
import { positionOf } from '../../support/history-checker.ts';
import { signToken } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';

export interface Client {
  readonly history: ClientHistory;
  /** The last position that it has seen or was told of. */
  position(): number;
  close(): void | Promise<void>;
}

export interface Who {
  readonly url: string;
  readonly org: string;
  readonly subscription: Subscription;
}

/** A stock Socket.IO client, as `docs/any-client.md` has it. Resolves when it is live. */
export async function openStock({ url, org, subscription }: Who): Promise<Client> {
  const socket = io(url, {
    autoConnect: false,
    forceNew: true,
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
    auth: { token: await signToken({ org_id: org }), subscriptions: [subscription] },
  });
  const history = recordClient(socket, { name: `stock ${org} ${subscriptionKey(subscription)}`, org });
  // What the server closes Socket.IO does not open again.
  socket.on('disconnect', (reason) => {
    if (reason === 'io server disconnect') socket.connect();
  });
  socket.connect();
  await until(() => history.steps.some(({ kind }) => kind === 'live'), {
    message: `${history.name} to be live`,
  });
  return {
    history,
    position: () => positionOf(history.cursor ?? '-0'),
    close: () => {
      history.stop();
      socket.disconnect();
    },
  };
}

/** The browser's client of some version. Resolves when it is live. */
export async function openOurs(
  connect: (options: ConnectOptions) => CommitcastClient,
  version: string,
  { url, org, subscription }: Who,
): Promise<Client> {
  const client = connect({
    url,
    token: () => signToken({ org_id: org }),
    transport: { transports: ['websocket'] },
  });
  const steps: Step[] = [];
  client.onError((error) => {
    process.stdout.write(`        ${version} client of ${org}: ${String(error)}\n`);
  });
  // A handle has what is of its own scope; the org's own events are another one's.
  for (const scope of subscription.deep ? [subscription] : [subscription, {}]) {
    const handle = client.subscribe(scope);
    handle.on('*', (event) => {
      steps.push({ kind: 'events', events: [event], cursor: `x-${event.position}` });
    });
    handle.onReset(({ reason }) => {
      steps.push({ kind: 'reset', reason, cursor: client.cursor ?? '-0' });
    });
  }
  let lives = 0;
  client.onState(({ name }) => {
    if (name === 'live' && lives++ === 0) steps.push({ kind: 'live', cursor: client.cursor ?? '' });
    else if (name !== 'live' && lives > 0) steps.push({ kind: 'dropped' });
  });
  await until(() => lives > 0, { message: `the ${version} client to be live` });
  return {
    history: {
      name: `${version} client ${org} ${subscriptionKey(subscription)}`,
      org,
      subscriptions: [subscription],
      steps,
    },
    position: () => positionOf(client.cursor ?? '-0'),
    close: () => client.close(),
  };
}
