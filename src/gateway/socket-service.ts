import type { Server, Socket } from 'socket.io';
import { CommitcastError } from '../core/errors.ts';
import { isIdentifier } from '../core/identifier.ts';
import { reservedNames } from '../core/protocol.ts';
import { parseSubscription, type Subscription } from '../core/subscription.ts';
import type { Scope } from '../core/sees.ts';
import { roomsOf } from './rooms.ts';

/** Bytes of one ephemeral message: what fits into a Postgres notification with its envelope. */
export const maxEphemeralBytes = 7_000;

/** Names and payloads of an application's ephemeral messages. */
export type EphemeralMessages = Record<string, unknown>;

export interface SocketServiceOptions {
  io: Server;
  /** Asks `authorize`, then lets the socket see a scope; throws `SUBSCRIPTION_DENIED`. */
  join: (socket: Socket, subscription: Subscription) => Promise<void>;
  leave: (socket: Socket, subscription: Subscription) => Promise<void>;
}

/**
 * Ephemeral messages to rooms: at most once, to who is connected at this moment, through the adapter to every instance.
 * What must not be missed is an event: append it.
 *
 * @example
 * const sockets = app.socketService as SocketService<{ typing: { by: string } }>;
 * sockets.emitToUnit('acme', 'truck-7', 'typing', { by: 'kim' });
 */
export class SocketService<Messages extends EphemeralMessages = EphemeralMessages> {
  readonly #options: SocketServiceOptions;

  constructor(options: SocketServiceOptions) {
    this.#options = options;
  }

  /** To everybody of the org. @throws {CommitcastError} `EVENT_NAME_RESERVED`, `EVENT_TOO_LARGE`, `EVENT_INVALID` */
  emitToOrg<Name extends keyof Messages & string>(org: string, event: Name, data: Messages[Name]): void {
    this.#emit({ org }, event, data);
  }

  /** To who subscribes to the site, or to the org `deep`. Throws as `emitToOrg`. */
  emitToSite<Name extends keyof Messages & string>(
    org: string,
    site: string,
    event: Name,
    data: Messages[Name],
  ): void {
    this.#emit({ org, site }, event, data);
  }

  /** To who subscribes to the unit, or to the org `deep`. Throws as `emitToOrg`. */
  emitToUnit<Name extends keyof Messages & string>(
    org: string,
    unit: string,
    event: Name,
    data: Messages[Name],
  ): void {
    this.#emit({ org, unit }, event, data);
  }

  /** @throws {CommitcastError} `SUBSCRIPTION_DENIED` when `authorize` says no */
  async joinSite(socket: Socket, site: string): Promise<void> {
    await this.#options.join(socket, parseSubscription({ site }));
  }

  /** @throws {CommitcastError} `SUBSCRIPTION_DENIED` when `authorize` says no */
  async joinUnit(socket: Socket, unit: string): Promise<void> {
    await this.#options.join(socket, parseSubscription({ unit }));
  }

  async leave(socket: Socket, subscription: Subscription): Promise<void> {
    await this.#options.leave(socket, parseSubscription(subscription));
  }

  #emit(scope: Scope, event: string, data: unknown): void {
    for (const id of Object.values(scope)) {
      if (!isIdentifier(id))
        throw new CommitcastError(
          'EVENT_INVALID',
          'org, site and unit have 1 to 128 characters of A-Z a-z 0-9 . _ ~ -',
        );
    }
    if (reservedNames.has(event))
      throw new CommitcastError('EVENT_NAME_RESERVED', `${JSON.stringify(event)} is a name of the wire`);
    const bytes = Buffer.byteLength(serialize(event, data));
    if (bytes > maxEphemeralBytes) {
      throw new CommitcastError(
        'EVENT_TOO_LARGE',
        `An ephemeral message has at most ${maxEphemeralBytes} bytes, this one has ${bytes}`,
      );
    }
    this.#options.io.to(roomsOf(scope)).emit(event, data);
  }
}

function serialize(event: string, data: unknown): string {
  try {
    return JSON.stringify([event, data]);
  } catch (error) {
    throw new CommitcastError('EVENT_INVALID', 'The data cannot be written as JSON', { cause: error });
  }
}
