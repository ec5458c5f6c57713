import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** One address for all instances, as users have it: each connection goes to the next of those that take it. */
export interface Balancer {
  readonly url: string;
  add(port: number): void;
  /** New connections go elsewhere; those there are stay. */
  remove(port: number): void;
  close(): void;
}

export async function openBalancer(): Promise<Balancer> {
  const ports: number[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroy();
    });
  };
  const server = createServer((near) => {
    const [port] = ports;
    if (port === undefined) {
      near.destroy();
      return;
    }
    ports.push(...ports.splice(0, 1));
    const far = connect(port, '127.0.0.1');
    keep(near, far);
    keep(far, near);
    near.pipe(far).pipe(near);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add(port) {
      ports.push(port);
    },
    remove(port) {
      ports.splice(ports.indexOf(port), 1);
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
