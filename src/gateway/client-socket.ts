import type { Socket } from 'socket.io';
import type { ClientToServerEvents, ServerToClientEvents } from '../core/protocol.ts';
import type { SocketData } from './identity.ts';

/** A socket of namespace `/` that speaks the wire. */
export type ClientSocket = Socket<
  ClientToServerEvents,
  ServerToClientEvents,
  Record<string, never>,
  SocketData
>;
