import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { Code } from '../core/codes.ts';
import type {
  Ack,
  ClientToServerEvents,
  CloseMessage,
  HandshakeAuth,
  LiveMessage,
  ResetReason,
  ServerToClientEvents,
} from '../core/protocol.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { Subscription } from '../core/subscription.ts';
import { passing } from './passing.ts';
import type { Reason } from './state.ts';

export interface LinkListener {
  accepted: () => void;
  events: (events: CommitcastEvent[], cursor: string) => void;
  live: (message: LiveMessage) => void;
  reset: (message: { reason: ResetReason; cursor: string }) => void;
  checkpoint: (message: { cursor: string }) => void;
  revoked: (message: { subscription?: Subscription }) => void;
  expiring: () => void;
  /** Any other message of this name: ephemeral, at most once. */
  message: (name: string, values: unknown[]) => void;
  refused: (reason: Reason & { code: Code }, retry: boolean) => void;
  lost: (reason: Reason) => void;
}

/** Options of Socket.IO that an application may set: proxies, paths, headers, transports. */
export type TransportOptions = Partial<
  Pick<
    ManagerOptions & SocketOptions,
    'path' | 'transports' | 'extraHeaders' | 'withCredentials' | 'query' | 'timeout' | 'upgrade'
  >
>;

type WireSocket = Socket<ServerToClientEvents, ClientToServerEvents>;

/** A connection that does not answer for so long is dead. */
const probeMs = 5_000;

/**
 * One connection, from the handshake to its end: never used again, so nothing of it can be handed out later. (A socket
 * of Socket.IO that connects again hands out what it has buffered before, and its replay as well.)
 * It tells the listener of one end, once.
 */
export class Link {
  readonly #socket: WireSocket;
  readonly #listener: LinkListener;
  #ended = false;
  #probing = false;

  constructor(
    url: string | undefined,
    auth: HandshakeAuth,
    options: TransportOptions,
    listener: LinkListener,
  ) {
    this.#listener = listener;
    const all = {
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      ...options,
      auth: { ...auth },
      forceNew: true,
      reconnection: false,
      autoConnect: false,
    };
    const socket: WireSocket = url === undefined ? io(all) : io(url, all);
    this.#socket = socket;
    const whileOpen =
      <Values extends unknown[]>(hear: (...values: Values) => void) =>
      (...values: Values) => {
        if (!this.#ended) hear(...values);
      };
    const lost = (message: string) => {
      this.#finish(() => listener.lost({ message }));
    };
    socket.on('connect', whileOpen(listener.accepted));
    socket.on('events', whileOpen(listener.events));
    socket.on('live', whileOpen(listener.live));
    socket.on('reset', whileOpen(listener.reset));
    socket.on('checkpoint', whileOpen(listener.checkpoint));
    socket.on('revoked', whileOpen(listener.revoked));
    socket.on('token-expiring', whileOpen(listener.expiring));
    socket.on('close', ({ code, message, retry }: CloseMessage) => {
      this.#finish(() => listener.refused({ code, message }, retry));
    });
    socket.onAny(whileOpen((name: string, ...values: unknown[]) => listener.message(name, values)));
    socket.on('connect_error', (error: Error & { data?: { code?: Code } }) => {
      const { message, data: { code } = {} } = error;
      if (code) this.#finish(() => listener.refused({ code, message }, passing.has(code)));
      else lost(message);
    });
    socket.on('disconnect', (reason) => lost(reason));
    // When the transport ends before the handshake is answered, only the manager hears of it.
    socket.io.on('close', (reason) => lost(reason));
    socket.connect();
  }

  subscribe(subscription: Subscription, ack: Ack<{ cursor: string }>): void {
    this.#socket.emit('subscribe', subscription, ack);
  }

  unsubscribe(subscription: Subscription): void {
    this.#socket.emit('unsubscribe', subscription, () => undefined);
  }

  authenticate(token: string, ack: Ack): void {
    this.#socket.emit('authenticate', { token }, ack);
  }

  /** Whether anybody is still there is asked with a request that changes nothing: everybody has the org's events. */
  probe(): void {
    if (this.#probing || !this.#socket.connected) return;
    this.#probing = true;
    this.#socket.timeout(probeMs).emit('subscribe', {}, (error) => {
      this.#probing = false;
      if (error) this.#finish(() => this.#listener.lost({ message: 'The connection does not answer' }));
    });
  }

  /** The listener hears nothing more. */
  end(): void {
    this.#finish(() => undefined);
  }

  #finish(tell: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.disconnect();
    tell();
  }
}
