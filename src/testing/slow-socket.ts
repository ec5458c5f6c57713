import type { Socket } from 'socket.io-client';

/** A client that does not read: what the server sends fills the buffers between them, then the server's own. */
export interface SlowSocket {
  /** Stops reading, from TCP on; and so does every connection that comes after this one, until `resume`. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Reads on, and takes its hands off. Idempotent. */
  stop(): void;
}

/** What `ws`, the WebSocket of socket.io-client in Node, has beside the standard. */
interface PausableWebSocket {
  pause(): void;
  resume(): void;
}

/**
 * Makes a stock Socket.IO client in Node slow. A paused client sends on (so its transport may live as long as the
 * server's ping allows), and the kernel still takes some hundred kilobytes for it, on loopback some megabytes: send
 * more than that to see what the server does.
 *
 * @param socket with `transports: ['websocket']`
 * @throws {TypeError} from `pause`, when it is connected by another transport
 *
 * @example
 * const slow = slowSocket(socket);
 * slow.pause();
 * // … append some megabytes, and see that all other clients get them
 * slow.resume();
 */
export function slowSocket(socket: Socket): SlowSocket {
  const manager = socket.io;
  let paused = false;

  const pauseNow = () => {
    const ws = webSocketOf(socket);
    if (ws) ws.pause();
    else if (manager._readyState === 'open')
      throw new TypeError(`only a WebSocket of Node can be paused, with transports: ['websocket']`);
  };
  // Before the first packet of the namespace: a client that comes back while it is slow reads nothing either.
  const onOpen = () => {
    if (paused) pauseNow();
  };
  const resume = () => {
    paused = false;
    webSocketOf(socket)?.resume();
  };
  manager.on('open', onOpen);
  return {
    pause() {
      pauseNow();
      paused = true;
    },
    resume,
    stop() {
      manager.off('open', onOpen);
      resume();
    },
  };
}

function webSocketOf({ io: manager }: Socket): PausableWebSocket | undefined {
  const engine = manager.engine as { transport?: { ws?: Partial<PausableWebSocket> | null } } | undefined;
  const ws = engine?.transport?.ws;
  return ws && typeof ws.pause === 'function' && typeof ws.resume === 'function'
    ? (ws as PausableWebSocket)
    : undefined;
}
