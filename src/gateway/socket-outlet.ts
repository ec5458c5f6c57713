import type { Code } from '../core/codes.ts';
import type { ClientSocket } from './client-socket.ts';
import { farewell } from './farewell.ts';
import type { MessageName, MessageValues, Outlet } from './outlet.ts';
import { isDrained, unsentBytes } from './outflow.ts';

/** The socket of a session. Its rooms are those of the adapter. */
export class SocketOutlet implements Outlet {
  readonly #socket: ClientSocket;

  constructor(socket: ClientSocket) {
    this.#socket = socket;
  }

  get id(): string {
    return this.#socket.id;
  }

  emit<Name extends MessageName>(name: Name, ...values: MessageValues<Name>): void {
    this.#socket.emit(name, ...values);
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

  onGone(listener: () => void): void {
    this.#socket.once('disconnect', listener);
  }

  unsentBytes(): number {
    return unsentBytes(this.#socket);
  }

  isDrained(): boolean {
    return isDrained(this.#socket.conn);
  }

  onDrain(listener: () => void): () => void {
    const { conn } = this.#socket;
    const { transport } = conn;
    conn.on('drain', listener);
    conn.on('upgrade', listener);
    transport.on('ready', listener);
    return () => {
      conn.off('drain', listener);
      conn.off('upgrade', listener);
      transport.off('ready', listener);
    };
  }
}
