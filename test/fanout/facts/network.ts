import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Stands between an adapter and its database, and lets a test decide what arrives, and when. */
export interface Network {
  readonly url: string;
  /** Nothing more goes to the server, through none of the connections, until `release`. Its answers do come. */
  hold(): void;
  release(): void;
  /** Nothing goes through the connections that there are, in either direction, and nobody is told. New ones work. */
  blackHole(): void;
  /** Ends the connections that there are; new ones are taken or refused. */
  cut(options: { refuse: boolean }): void;
  accept(): void;
  /** Whether the server has said it, through any of the connections. */
  heard(text: string): boolean;
}

/** `delayMs`: what the n-th connection waits on its way to the server. */
export async function startNetwork(target: string, delayMs = (_n: number) => 0): Promise<Network> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const silenced = new WeakSet<Socket>();
  let said = '';
  let held: (() => void)[] | undefined;
  let refusing = false;
  let count = 0;

  // The end of what one side says is passed on, or held, as all that it says.
  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (refusing) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    const delay = delayMs(count++);
    const toServer = (pass: () => void) => {
      const unlessSilenced = () => void (silenced.has(near) || pass());
      if (held) held.push(unlessSilenced);
      else if (delay > 0) setTimeout(unlessSilenced, delay);
      else unlessSilenced();
    };
    near.on('data', (chunk) => {
      toServer(() => far.write(chunk));
    });
    near.on('end', () => {
      toServer(() => far.end());
    });
    far.on('data', (chunk) => {
      if (silenced.has(near)) return;
      said += chunk.toString('latin1');
      near.write(chunk);
    });
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
    cut();
    server.close();
  });
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    hold() {
      held = [];
    },
    release() {
      const waiting = held ?? [];
      held = undefined;
      for (const pass of waiting) pass();
    },
    blackHole() {
      for (const socket of sockets) silenced.add(socket);
    },
    cut({ refuse }) {
      refusing = refuse;
      cut();
    },
    accept() {
      refusing = false;
    },
    heard: (text) => said.includes(text),
  };
}
