import type { Server, Socket } from 'socket.io';
import { CommitcastError } from '../core/errors.ts';
import { formatCursor } from '../core/cursor.ts';
import type { CommitcastEvent } from '../core/event.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import type { Subscription } from '../core/subscription.ts';
import type { Executor } from '../db/executor.ts';
import type { Authenticate } from './authenticate.ts';
import type { Authorize } from './authorize.ts';
import { Checkpoints } from './checkpoints.ts';
import { Dispatcher } from './dispatcher.ts';
import { scheduleAt } from './expiry.ts';
import { handshakeMiddleware, readHandshake, type Handshake } from './handshake.ts';
import { mayHave, refuseLeavingOrg, serveRequests } from './requests.ts';
import { Session, type ClientSocket } from './session.ts';
import { SocketService } from './socket-service.ts';
import { clockToleranceSeconds } from './token.ts';

/** The client is told so long before its token ends. */
const expiryNoticeMs = 60_000;

export interface GatewayOptions {
  io: Server;
  /** For replays. */
  db: Executor;
  /** For the dispatcher alone. */
  dispatchDb: Executor;
  authenticate: Authenticate;
  authorize: Authorize;
  /** Bytes of recent events in memory. */
  tailBytes: number;
  checkpointIntervalMs: number;
  logger: Logger;
}

/** Sockets, identity and subscriptions of one instance. */
export class Gateway implements Service {
  readonly dispatcher: Dispatcher;
  readonly socketService: SocketService;
  readonly #options: GatewayOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #handshakes = new WeakMap<Socket, Handshake>();
  readonly #checkpoints: Checkpoints;
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { io, dispatchDb, tailBytes, logger } = options;
    this.dispatcher = new Dispatcher({
      db: dispatchDb,
      tailBytes,
      logger,
      deliver: (rooms, events, position) => {
        this.#deliver(rooms, events, position);
      },
      onVolume: () => {
        for (const session of this.#sessions.values()) session.checkOutflow();
      },
      onReset: (reason) => {
        for (const session of this.#sessions.values()) session.restart(reason);
      },
    });
    this.#checkpoints = new Checkpoints({
      intervalMs: options.checkpointIntervalMs,
      position: () => this.dispatcher.position,
      sessions: () => this.#sessions.values(),
      adapter: () => io.of('/').adapter,
    });
    this.socketService = new SocketService({
      io,
      join: (socket, subscription) => this.#join(socket, subscription),
      leave: async (socket, subscription) => {
        refuseLeavingOrg(subscription);
        await this.#sessionOf(socket).unsubscribe(subscription);
      },
    });
  }

  async start(): Promise<void> {
    const { io, logger, authenticate, authorize } = this.#options;
    await this.dispatcher.start();
    await this.#checkpoints.start();
    const accept = handshakeMiddleware(async (socket) => {
      const handshake = await readHandshake(socket, authenticate, authorize, logger);
      this.#handshakes.set(socket, handshake);
      return handshake.identity;
    }, logger);
    io.use((socket, next) => {
      accept(socket, (error) => {
        if (this.#stopping) socket.conn.close();
        else next(error);
      });
    });
    io.on('connection', (socket) => {
      this.#open(socket as ClientSocket);
    });
  }

  /** Tells every session that this instance stops, and where to go on. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const session of this.#sessions.values()) session.close('SHUTTING_DOWN');
    await this.#checkpoints.stop();
    await this.dispatcher.stop();
  }

  #open(socket: ClientSocket): void {
    const handshake = this.#handshakes.get(socket);
    if (!handshake) {
      socket.disconnect(true);
      return;
    }
    const { dispatcher } = this;
    const { db, logger, authenticate, authorize } = this.#options;
    const session = new Session({ socket, ...handshake, source: { db, dispatcher }, logger });
    this.#sessions.set(socket.id, session);

    let cancelExpiry = watchExpiry(session);
    socket.on('disconnect', () => {
      cancelExpiry();
      session.end();
      this.#sessions.delete(socket.id);
    });
    serveRequests({
      session,
      authenticate,
      authorize,
      epoch: () => dispatcher.epoch,
      onIdentity: () => {
        cancelExpiry();
        cancelExpiry = watchExpiry(session);
      },
      logger,
    });
    void session.follow(handshake.cursor);
  }

  #deliver(rooms: readonly string[], events: readonly CommitcastEvent[], position: number): void {
    const cursor = formatCursor({ epoch: this.dispatcher.epoch, position });
    this.#options.io.local.to([...rooms]).emit('events', events, cursor);
    this.#checkpoints.delivered(rooms, position);
  }

  async #join(socket: Socket, subscription: Subscription): Promise<void> {
    const session = this.#sessionOf(socket);
    if (!(await mayHave(session, this.#options.authorize, subscription)))
      throw new CommitcastError('SUBSCRIPTION_DENIED');
    await session.subscribe(subscription);
  }

  #sessionOf(socket: Socket): Session {
    const session = this.#sessions.get(socket.id);
    if (!session)
      throw new CommitcastError('SUBSCRIPTION_DENIED', 'The socket has no session on this instance');
    return session;
  }
}

function watchExpiry(session: Session): () => void {
  const expiresAt = session.identity.expiresAt * 1000;
  const cancelNotice = scheduleAt(expiresAt - expiryNoticeMs, () => {
    session.socket.emit('token-expiring', { expiresAt: new Date(expiresAt).toISOString() });
  });
  const cancelEnd = scheduleAt(expiresAt + clockToleranceSeconds * 1000, () => {
    session.close('TOKEN_EXPIRED');
  });
  return () => {
    cancelNotice();
    cancelEnd();
  };
}
