import type { Socket } from 'node:net';

/**
 * What is asked of a connection of Engine.IO. Beside `write` these are members without types, of Engine.IO and `ws`; the
 * frames that Socket.IO encodes once for a broadcast take the same way (engine.io, transports/websocket). Whoever lacks
 * one of them, another WebSocket engine say, is written to in the usual way.
 */
export interface EngineConnection {
  readyState: string;
  writeBuffer: readonly { data?: unknown }[];
  transport: {
    name: string;
    writable: boolean;
    perMessageDeflate?: unknown;
    socket?: WebSocket;
  };
  write(packet: string): unknown;
  listenerCount(event: 'packetCreate'): number;
}

interface WebSocket {
  readyState: number;
  bufferedAmount?: number;
  _socket?: Socket | null;
  _sender?: FrameSender;
}

interface FrameSender {
  sendFrame(buffers: readonly Buffer[]): void;
}

const open = 1;

/** What takes whole frames at this moment: a WebSocket with nothing queued before them, and which compresses nothing. */
export function webSocketOf(connection: EngineConnection): FrameSender | undefined {
  const { readyState, writeBuffer, transport } = connection;
  const { socket } = transport;
  if (readyState !== 'open' || writeBuffer.length > 0 || !transport.writable || transport.perMessageDeflate)
    return undefined;
  if (transport.name !== 'websocket' || socket?.readyState !== open) return undefined;
  // Applications count bytes by this event.
  if (connection.listenerCount('packetCreate') > 0) return undefined;
  return typeof socket._sender?.sendFrame === 'function' ? socket._sender : undefined;
}

/** In Engine.IO's buffer and the socket's. */
export function unsentBytes({ writeBuffer, transport }: EngineConnection): number {
  const buffered = transport.socket?.bufferedAmount ?? 0;
  if (writeBuffer.length === 0) return buffered;
  return writeBuffer.reduce((sum, { data }) => sum + (typeof data === 'string' ? data.length : 0), buffered);
}

/** Answers and the like are small; so many of them are those of somebody who asks on and on, and does not read. */
const maxUnsentPackets = 4_096;

export function isFlooded({ writeBuffer }: Pick<EngineConnection, 'writeBuffer'>): boolean {
  return writeBuffer.length > maxUnsentPackets;
}

/** Whether the transport takes more, with nothing queued before it: for long polling, that a poll is waiting. */
export function isDrained({ writeBuffer, transport }: EngineConnection): boolean {
  const raw = transport.socket?._socket;
  // A socket that has been ended needs no drain any more, whatever it still has to send.
  const isBehind = raw && (raw.writableNeedDrain || (raw.writableEnded && raw.writableLength > 0));
  return writeBuffer.length === 0 && transport.writable && !isBehind;
}
