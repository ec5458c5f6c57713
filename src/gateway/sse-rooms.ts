import type { CommitcastEvent } from '../core/event.ts';
import type { Service } from '../core/service.ts';
import { sleep } from '../core/sleep.ts';
import { frameOf, keepAliveFrame } from './sse-frame.ts';

/** Proxies cut connections on which nothing happens, many of them after half a minute or a minute. */
const keepAliveMs = 15_000;

/** A stream as its rooms know it. */
export interface SseMember {
  write(frame: Buffer): void;
  /** Whether nothing waits to be sent. */
  isDrained(): boolean;
}

/** The rooms of this instance's streams of server-sent events: what the Socket.IO adapter is for sockets. */
export class SseRooms implements Service {
  readonly #members = new Map<SseMember, Set<string>>();
  readonly #rooms = new Map<string, Set<SseMember>>();
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

  /** `rooms` are added to those that the member is in. */
  join(member: SseMember, rooms: readonly string[]): void {
    const joined = this.#members.get(member) ?? new Set();
    this.#members.set(member, joined);
    for (const room of rooms) {
      joined.add(room);
      const members = this.#rooms.get(room) ?? new Set();
      this.#rooms.set(room, members.add(member));
    }
  }

  /** Without `rooms`: it leaves all, and is forgotten. */
  leave(member: SseMember, rooms?: readonly string[]): void {
    const joined = this.#members.get(member);
    for (const room of rooms ?? joined ?? []) {
      joined?.delete(room);
      const members = this.#rooms.get(room);
      if (!members?.delete(member) || members.size > 0) continue;
      this.#rooms.delete(room);
      this.#onDeleteRoom(room);
    }
    if (!rooms) this.#members.delete(member);
  }

  /** To the union of the rooms, each once; written as text once for all of them. */
  deliver(rooms: readonly string[], events: CommitcastEvent[], cursor: string): void {
    const members = new Set<SseMember>();
    for (const room of rooms) for (const member of this.#rooms.get(room) ?? []) members.add(member);
    if (members.size === 0) return;
    const frame = frameOf('events', events, cursor);
    for (const member of members) member.write(frame);
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
