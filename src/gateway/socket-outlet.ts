import type { Code } from '../core/codes.ts';
import type { Logger } from '../core/logger.ts';
import type { ClientSocket } from './client-socket.ts';
import { farewell } from './farewell.ts';
import type { EventsFrame } from './events-frame.ts';
import type { MessageValues, Outlet, ToldName } from './outlet.ts';
import { isDrained, unsentBytes, webSocketOf, type EngineConnection } from './engine-connection.ts';

/** What all outlets of a server share. */
export interface SocketOutletContext {
  /** Packets of this server are encoded as Socket.IO does by default. */
  takesText: boolean;
  logger: Logger;
}

/** The socket of a session. Its rooms are those of the adapter. */
export class SocketOutlet implements Outlet {
  readonly #socket: ClientSocket;
  readonly #context: SocketOutletContext;

  constructor(socket: ClientSocket, context: SocketOutletContext) {
    this.#socket = socket;
    this.#context = context;
  }

  get #connection(): EngineConnection {
    return this.#socket.conn as unknown as EngineConnection;
  }

  get id(): string {
    return this.#socket.id;
  }

  emit<Name extends ToldName>(name: Name, ...values: MessageValues<Name>): void {
    try {
      this.#socket.emit(name, ...values);
    } catch (error) {
      // A listener of the application, to what goes out. Whoever speaks here cannot be stopped half-way by it.
      this.#context.logger.error({ err: error }, 'a listener failed; the connection is cut');
      this.cut();
    }
  }

  /**
   * Socket.IO would encode the message for each socket anew, and Engine.IO keeps books of each packet; here all of that
   * has been done, once for all. What the application watches or encodes in a way of its own goes the way it expects.
   */
  deliver(message: EventsFrame): void {
    if (!this.#context.takesText || this.#socket.listenersAnyOutgoing().length > 0) {
      this.#socket.emit('events', ...message.values);
      return;
    }
    const connection = this.#connection;
    const webSocket = webSocketOf(connection);
    if (webSocket) webSocket.sendFrame([message.webSocket]);
    else connection.write(message.packet);
  }

  /** Synchronous in every adapter that keeps rooms in memory. */
  join(rooms: string[]): void {
    void this.#socket.join(rooms);
  }

  leave(rooms: string[]): void {
    for (const room of rooms) void this.#socket.leave(room);
  }

  end(code: Code): void {
    farewell(this.#socket, code);
  }

  cut(): void {
    this.#socket.conn.close(true);
  }

  onGone(listener: () => void): void {
    // Comes once; what `once` would keep for it is three times the listener.
    this.#socket.on('disconnect', listener);
  }

  unsentBytes(): number {
    return unsentBytes(this.#connection);
  }

  isDrained(): boolean {
    return isDrained(this.#connection);
  }

  onDrain(listener: () => void): () => void {
    const { conn } = this.#socket;
    const { transport } = conn;
    const { socket } = this.#connection.transport;
    conn.on('drain', listener);
    conn.on('upgrade', listener);
    transport.on('ready', listener);
    socket?._socket?.on('drain', listener);
    return () => {
      conn.off('drain', listener);
      conn.off('upgrade', listener);
      transport.off('ready', listener);
      socket?._socket?.off('drain', listener);
    };
  }
}
