import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { keepAliveFrame } from './sse-frame.ts';

/** Proxies cut connections on which nothing happens, many of them after half a minute or a minute. */
const keepAliveMs = 15_000;

/** A stream as its rooms know it. */
export interface SseMember {
  readonly id: string;
  write(frame: Buffer): void;
  /** Whether nothing waits to be sent. */
  isDrained(): boolean;
}

/** The rooms of this instance's streams of server-sent events: what the Socket.IO adapter is for sockets. */
export class SseRooms implements Service {
  readonly #members = new Map<SseMember, Set<string>>();
  readonly #rooms = new Map<string, Set<string>>();
  readonly #onDeleteRoom: (room: string) => void;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  /** `onDeleteRoom` is called when nobody is left in a room. */
  constructor(onDeleteRoom: (room: string) => void) {
    this.#onDeleteRoom = onDeleteRoom;
  }

  start(): Promise<void> {
    this.#running = this.#keepAlive();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** The ids of those who are in it. */
  get(room: string): ReadonlySet<string> | undefined {
    return this.#rooms.get(room);
  }

  /** `rooms` are added to those that the member is in. */
  join(member: SseMember, rooms: readonly string[]): void {
    const joined = this.#members.get(member) ?? new Set();
    this.#members.set(member, joined);
    for (const room of rooms) {
      joined.add(room);
      const members = this.#rooms.get(room) ?? new Set();
      this.#rooms.set(room, members.add(member.id));
    }
  }

  /** Without `rooms`: it leaves all, and is forgotten. */
  leave(member: SseMember, rooms?: readonly string[]): void {
    const joined = this.#members.get(member);
    for (const room of rooms ?? joined ?? []) {
      joined?.delete(room);
      const members = this.#rooms.get(room);
      if (!members?.delete(member.id) || members.size > 0) continue;
      this.#rooms.delete(room);
      this.#onDeleteRoom(room);
    }
    if (!rooms) this.#members.delete(member);
  }

  async #keepAlive(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await sleep(keepAliveMs, signal);
      if (signal.aborted) return;
      for (const member of this.#members.keys()) if (member.isDrained()) member.write(keepAliveFrame);
    }
  }
}
