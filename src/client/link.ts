import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import type { Code } from '../core/codes.ts';
import type { Ack, ClientToServerEvents, HandshakeAuth, ServerToClientEvents } from '../core/protocol.ts';
import { passing } from './passing.ts';
import type { Reason } from './state.ts';

/** What a link tells: the messages of the wire by their names, and how it begins and ends. */
export interface LinkListener extends Omit<ServerToClientEvents, 'close'> {
  readonly accepted: () => void;
  /** Any other message: ephemeral, at most once. */
  readonly message: (name: string, values: unknown[]) => void;
  readonly refused: (reason: Reason & { code: Code }, retry: boolean) => void;
  readonly lost: (reason: Reason) => void;
}

const wireNames = ['events', 'live', 'reset', 'checkpoint', 'revoked', 'token-expiring'] as const;

/** Options of Socket.IO that an application may set: proxies, paths, headers, transports. */
export type TransportOptions = Partial<
  Pick<
    ManagerOptions & SocketOptions,
    'path' | 'transports' | 'extraHeaders' | 'withCredentials' | 'query' | 'timeout' | 'upgrade'
  >
>;

/** What is undefined is not sent. */
export type Handshake = { [Field in keyof HandshakeAuth]: HandshakeAuth[Field] | undefined };

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
    auth: Handshake,
    options: TransportOptions | undefined,
    listener: LinkListener,
  ) {
    this.#listener = listener;
    const all = {
      transports: ['websocket', 'polling'],
      tryAllTransports: true,
      ...options,
      auth,
      forceNew: true,
      reconnection: false,
      autoConnect: false,
    };
    // Without an address it is where the page comes from.
    const socket: WireSocket = io(url as string, all);
    this.#socket = socket;
    const lost = (message: string) => this.#finish(() => listener.lost({ message }));
    const whileOpen =
      <Values extends unknown[]>(hear: (...values: Values) => void) =>
      (...values: Values) => {
        if (!this.#ended) hear(...values);
      };
    socket.on('connect', whileOpen(listener.accepted));
    for (const name of wireNames)
      socket.on(name, whileOpen(listener[name] as (...values: unknown[]) => void));
    socket.onAny(whileOpen((name: string, ...values: unknown[]) => listener.message(name, values)));
    socket.on('close', ({ retry, ...reason }) => this.#finish(() => listener.refused(reason, retry)));
    socket.on('connect_error', (error: Error & { data?: Partial<Reason> }) => {
      const { message, data: { code, retryAfterMs } = {} } = error;
      if (code) this.#finish(() => listener.refused({ code, message, retryAfterMs }, passing.has(code)));
      else lost(message);
    });
    socket.on('disconnect', lost);
    // When the transport ends before the handshake is answered, only the manager hears of it. A refusal, too, ends the
    // transport, and is told a moment later, in the same tick: it has to come first.
    socket.io.on('close', (reason) => queueMicrotask(() => lost(reason)));
    socket.connect();
  }

  /** Asks the server for something. What it answers after the end of the link is not told. */
  request<Name extends keyof ClientToServerEvents>(
    name: Name,
    argument: Parameters<ClientToServerEvents[Name]>[0],
    ack: Ack<{ cursor: string }> = () => undefined,
  ): void {
    const socket = this.#socket as unknown as { emit: (name: string, ...values: unknown[]) => void };
    socket.emit(name, argument, (answer: Parameters<typeof ack>[0]) => {
      if (!this.#ended) ack(answer);
    });
  }

  /** Whether anybody is still there is asked with a request that changes nothing: everybody has the org's events. */
  probe(): void {
    if (this.#probing || !this.#socket.connected) return;
    this.#probing = true;
    this.#socket.timeout(probeMs).emit('subscribe', {}, (error) => {
      this.#probing = false;
      if (error) this.#finish(() => this.#listener.lost({ message: 'no answer' }));
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
