import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and a server, on loopback, and can do to connections what networks do. */
export interface TcpProxy {
  /** The target's URL, with host and port of the proxy. */
  readonly url: string;
  readonly port: number;
  /** How many connections the proxy holds now, those in a black hole included. */
  readonly connections: number;
  /** Ends all connections that there are, with RST to both sides. New ones work. */
  cut(): void;
  /**
   * From now on nothing passes through the connections that there are, and nobody is told. New ones work. TCP itself
   * still answers, so its keepalive notices nothing: only a heartbeat of the application does.
   */
  blackHole(): void;
  /** While on, new connections are ended at once; those that there are go on. */
  refuse(on: boolean): void;
  /** Holds each chunk so many milliseconds, both ways, in order; also on the connections that there are. 0: none. */
  delay(ms: number): void;
  /** Ends all connections and stops listening. Idempotent. */
  close(): Promise<void>;
}

const defaultPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'postgres:': 5432,
  'postgresql:': 5432,
  'redis:': 6379,
  'ws:': 80,
  'wss:': 443,
};

/** Bytes that one direction may hold back before the proxy stops reading. */
const maxHeldBytes = 1024 * 1024;

/**
 * Starts a proxy on a free port of 127.0.0.1.
 *
 * @param target URL of a server that speaks TCP: `postgres://…`, `redis://…`, `http://…`
 * @throws {TypeError} when the URL names no host, or no port and none is known for its scheme
 *
 * @example
 * const proxy = await startTcpProxy(process.env.DATABASE_URL);
 * app.register(commitcast, { databaseUrl: proxy.url, jwt });
 * proxy.cut();
 */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const url = new URL(target);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const targetPort = url.port === '' ? defaultPorts[url.protocol] : Number(url.port);
  if (host === '' || targetPort === undefined)
    throw new TypeError(`the target ${url.protocol}// names no host and port`);

  const pairs = new Set<Pair>();
  let delayMs = 0;
  let refusing = false;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host, port: targetPort, allowHalfOpen: true, noDelay: true });
    const pair = join(near, far, () => delayMs);
    pairs.add(pair);
    const forget = () => {
      if (near.destroyed && far.destroyed) pairs.delete(pair);
    };
    near.once('close', forget);
    far.once('close', forget);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url.hostname = '127.0.0.1';
  url.port = String(port);

  const cut = () => {
    for (const pair of pairs) pair.reset();
  };
  let closed: Promise<void> | undefined;
  return {
    url: url.href,
    port,
    get connections() {
      return pairs.size;
    },
    cut,
    blackHole() {
      for (const pair of pairs) pair.silence();
    },
    refuse(on) {
      refusing = on;
    },
    delay(ms) {
      delayMs = ms;
    },
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        cut();
      });
      return closed;
    },
  };
}

/** The two connections between which the proxy stands. */
interface Pair {
  reset(): void;
  silence(): void;
}

function join(near: Socket, far: Socket, delayMs: () => number): Pair {
  let silent = false;
  const ways = [forward(near, far, delayMs), forward(far, near, delayMs)];
  const reset = () => {
    for (const way of ways) way.stop();
    for (const socket of [near, far]) {
      // A socket that is still connecting has nobody to send an RST to.
      if (socket.connecting) socket.destroy();
      else if (!socket.destroyed) socket.resetAndDestroy();
    }
  };
  for (const socket of [near, far]) {
    socket.on('error', () => undefined);
    socket.on('close', (hadError) => {
      // A clean end went on as FIN, behind what is still held back.
      if (hadError && !silent) reset();
    });
  }
  return {
    reset,
    silence() {
      silent = true;
      for (const way of ways) way.stop();
    },
  };
}

/** Takes what comes from one socket to the other, each chunk when its time has come; the end of it as well. */
function forward(from: Socket, to: Socket, delayMs: () => number): { stop(): void } {
  const held: { chunk: Buffer | undefined; due: number }[] = [];
  let heldBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const send = () => {
    timer = undefined;
    for (let next = held[0]; next; next = held[0]) {
      const early = next.due - performance.now();
      if (early > 0) {
        timer = setTimeout(send, early);
        break;
      }
      held.shift();
      if (!next.chunk) to.end();
      else {
        heldBytes -= next.chunk.length;
        to.write(next.chunk);
      }
    }
    adjust();
  };
  const adjust = () => {
    if (stopped || heldBytes > maxHeldBytes || to.writableNeedDrain) from.pause();
    else from.resume();
  };
  const take = (chunk: Buffer | undefined) => {
    if (stopped) return;
    // It waits behind what came earlier, also when the delay has become shorter.
    held.push({ chunk, due: performance.now() + delayMs() });
    heldBytes += chunk?.length ?? 0;
    if (timer === undefined) send();
    else adjust();
  };
  from.on('data', take);
  from.on('end', () => {
    take(undefined);
  });
  to.on('drain', adjust);
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      held.length = 0;
      from.pause();
    },
  };
}
