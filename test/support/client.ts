import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { onTestFinished } from 'vitest';
import type {
  ClientToServerEvents,
  CloseMessage,
  HandshakeAuth,
  LiveMessage,
  ResetReason,
  ServerToClientEvents,
} from '../../src/core/protocol.ts';
import type { CommitcastEvent } from '../../src/core/event.ts';
import { signToken } from './tokens.ts';
import { until } from './until.ts';

/** A stock client that keeps its cursor, as the README shows it, and writes down all that it gets. */
export interface TestClient {
  readonly socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly events: CommitcastEvent[];
  readonly positions: number[];
  readonly resets: { reason: ResetReason; cursor: string }[];
  readonly lives: LiveMessage[];
  readonly closes: CloseMessage[];
  readonly refusals: (Error & { data?: { code?: string } })[];
  /** How often the transport ended, before or after the namespace was reached. */
  drops: number;
  cursor: string | undefined;
  /** Resolves when live again after the `n`-th time. */
  live(n?: number): Promise<LiveMessage>;
}

export interface TestClientOptions extends Partial<HandshakeAuth> {
  options?: Partial<ManagerOptions & SocketOptions>;
}

export async function connectClient(url: string, auth: TestClientOptions = {}): Promise<TestClient> {
  const { options, ...handshake } = auth;
  const token = 'token' in handshake ? handshake.token : await signToken();
  const socket: TestClient['socket'] = io(url, {
    autoConnect: false,
    transports: ['websocket'],
    reconnectionDelay: 20,
    reconnectionDelayMax: 200,
    forceNew: true,
    ...options,
    auth: (give) => {
      // What came in the instant of a disconnect is handed out at the next connect; and so is its replay.
      socket.receiveBuffer = [];
      give({ ...handshake, token, ...(client.cursor === undefined ? {} : { cursor: client.cursor }) });
    },
  });
  const client: TestClient = {
    socket,
    events: [],
    positions: [],
    resets: [],
    lives: [],
    closes: [],
    refusals: [],
    drops: 0,
    cursor: handshake.cursor,
    live: (n = 1) => until(() => client.lives[n - 1], { message: `live, time ${n}` }),
  };
  socket.on('events', (events, cursor) => {
    client.events.push(...events);
    client.positions.push(...events.map(({ position }) => position));
    client.cursor = cursor;
  });
  socket.on('live', (message) => {
    client.lives.push(message);
    client.cursor = message.cursor;
  });
  socket.on('reset', (message) => {
    client.resets.push(message);
    client.cursor = message.cursor;
  });
  socket.on('checkpoint', ({ cursor }) => {
    client.cursor = cursor;
  });
  socket.on('close', (message) => client.closes.push(message));
  socket.on('connect_error', (error) => client.refusals.push(error));
  socket.io.on('close', () => {
    client.drops += 1;
  });
  socket.connect();
  onTestFinished(() => {
    socket.disconnect();
  });
  return client;
}
