import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { codes, type Code } from '../core/codes.ts';
import type { EventsFrame } from './events-frame.ts';
import type { MessageValues, Outlet, ToldName } from './outlet.ts';
import { patienceMs } from './outflow.ts';
import { frameOf, retryFrame } from './sse-frame.ts';
import type { SseMember, SseRooms } from './sse-rooms.ts';

/** At the least; at most three times as long. */
const retryMs = 1_000;
/** An instance that stops still listens for a moment, and would refuse whoever comes back at once. */
const retryAfterStopMs = 2_000;

/** The response, its head written, as the stream of a session. It ends with the session, and the session with it. */
export class SseOutlet implements Outlet, SseMember {
  readonly id = randomUUID();
  readonly #response: ServerResponse;
  readonly #rooms: SseRooms;

  constructor(response: ServerResponse, rooms: SseRooms) {
    this.#response = response;
    this.#rooms = rooms;
    // The close that follows is what is listened to.
    response.on('error', () => undefined);
    rooms.join(this, []);
    this.onGone(() => {
      rooms.leave(this);
    });
    this.write(retryFrame(retryMs));
  }

  emit<Name extends ToldName>(name: Name, ...values: MessageValues<Name>): void {
    this.write(frameOf(name, ...values));
  }

  deliver(message: EventsFrame): void {
    this.write(message.serverSent);
  }

  /** After the end it writes nothing. */
  write(frame: Buffer): void {
    if (!this.#response.writableEnded && !this.#response.destroyed) this.#response.write(frame);
  }

  join(rooms: string[]): void {
    this.#rooms.join(this, rooms);
  }

  leave(rooms: string[]): void {
    this.#rooms.leave(this, rooms);
  }

  end(code: Code): void {
    const response = this.#response;
    if (response.writableEnded) return;
    const { retry, meaning: message } = codes[code];
    if (code === 'SHUTTING_DOWN') this.write(retryFrame(retryAfterStopMs));
    this.emit('close', { code, message, retry });
    this.#rooms.leave(this);
    response.end();
    // Who does not read would never take what is still to be sent.
    if (code === 'SLOW_CONSUMER') response.destroy();
    const timer = setTimeout(() => response.destroy(), patienceMs).unref();
    this.onGone(() => {
      clearTimeout(timer);
    });
  }

  cut(): void {
    this.#response.destroy();
  }

  onGone(listener: () => void): void {
    if (this.#response.destroyed) queueMicrotask(listener);
    else this.#response.once('close', listener);
  }

  /** The response's own buffer and its connection's. */
  unsentBytes(): number {
    return this.#response.writableLength;
  }

  isDrained(): boolean {
    return !this.#response.writableNeedDrain;
  }

  onDrain(listener: () => void): () => void {
    this.#response.on('drain', listener);
    return () => this.#response.off('drain', listener);
  }
}
