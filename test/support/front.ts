import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** One address, whatever server is behind it: what a virtual address or a name is to a cluster. */
export interface Front {
  /** The target's URL, with host and port of the front. */
  readonly url: string;
  /** Ends all connections; new ones are ended at once. */
  refuse(): void;
  /** Ends all connections; new ones go to the server of this URL. */
  switchTo(target: string): void;
}

export async function openFront(target: string): Promise<Front> {
  const sockets = new Set<Socket>();
  let port: number | undefined = portOf(target);
  const server = createServer((near) => {
    if (port === undefined) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    port = undefined;
    cut();
    server.close();
  });
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    refuse() {
      port = undefined;
      cut();
    },
    switchTo(next) {
      port = portOf(next);
      cut();
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
