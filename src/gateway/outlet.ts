import type { Code } from '../core/codes.ts';
import type { ServerToClientEvents } from '../core/protocol.ts';
import type { EventsFrame } from './events-frame.ts';
import type { Outflow } from './outflow.ts';

/** Names of what the server says. */
export type MessageName = keyof ServerToClientEvents;

/** The arguments of a message, as the wire declares them. */
export type MessageValues<Name extends MessageName> = Parameters<ServerToClientEvents[Name]>;

/** All but the events themselves. */
export type ToldName = Exclude<MessageName, 'events'>;

/** What a session speaks through: a Socket.IO socket, or a stream of server-sent events. */
export interface Outlet extends Outflow {
  /** No other outlet of this instance has it. */
  readonly id: string;
  emit<Name extends ToldName>(name: Name, ...values: MessageValues<Name>): void;
  /** Events, written already: as they are, behind all that was emitted or delivered before. */
  deliver(message: EventsFrame): void;
  /** In force when it returns: that is what the hand-off to live rests on. */
  join(rooms: string[]): void;
  /** In force when it returns. */
  leave(rooms: string[]): void;
  /** Tells why, then ends the connection: so that clients come back, or so that they do not. */
  end(code: Code): void;
  /** Ends the connection at once, and tells nobody why. */
  cut(): void;
  /** Calls back once when the connection is gone, also when it is already. */
  onGone(listener: () => void): void;
}
