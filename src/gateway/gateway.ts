import type { Server, Socket } from 'socket.io';
import { CommitcastError } from '../core/errors.ts';
import { formatCursor } from '../core/cursor.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import type { Subscription } from '../core/subscription.ts';
import type { Executor } from '../db/executor.ts';
import type { Batch } from './batches.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ClientSocket } from './client-socket.ts';
import { Dispatcher } from './dispatcher.ts';
import { scheduleAt } from './expiry.ts';
import { farewell } from './farewell.ts';
import { handshakeMiddleware, readHandshake, type Handshake } from './handshake.ts';
import { membershipChangedType, type ControlEvent } from '../log/control-event.ts';
import { mayHave, refuseLeavingOrg, serveRequests } from './requests.ts';
import type { Rights, RightsWatch } from './rights.ts';
import { Session } from './session.ts';
import { SocketService } from './socket-service.ts';
import { clockToleranceSeconds } from './token.ts';

/** Bytes between two looks at who has fallen behind. */
const volumeBytes = 128 * 1024;

/** The client is told so long before its token ends. */
const expiryNoticeMs = 60_000;

export interface GatewayOptions {
  io: Server;
  /** For replays. */
  db: Executor;
  /** For the dispatcher alone. */
  dispatchDb: Executor;
  rights: Rights;
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
  /** Two of them on one connection would give its client every event twice. */
  readonly #connections = new WeakSet<object>();
  readonly #handshakes = new WeakMap<Socket, Handshake & { watch: RightsWatch }>();
  readonly #checkpoints: Checkpoints;
  #stopping = false;
  /** Bytes delivered since the last look at who has fallen behind. */
  #volume = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { io, dispatchDb, tailBytes, logger } = options;
    this.dispatcher = new Dispatcher({
      db: dispatchDb,
      tailBytes,
      logger,
      deliver: (batch) => {
        this.#deliver(batch);
      },
      enter: async (broken) => {
        await options.rights.load(options.db);
        if (broken) options.rights.distrust();
        for (const session of this.#sessions.values()) {
          if (broken) session.close('RIGHTS_CHANGED');
          else this.#enforce(session);
        }
      },
      onControl: (control) => {
        this.#act(control);
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
    const { io, logger, rights } = this.#options;
    await this.dispatcher.start();
    await this.#checkpoints.start();
    const accept = handshakeMiddleware(async (socket) => {
      const watch = rights.watch();
      try {
        const handshake = await readHandshake(socket, rights, logger);
        this.#handshakes.set(socket, { ...handshake, watch });
        // A transport that goes before the session is opened is heard of nowhere else.
        if (socket.conn.readyState === 'open') socket.conn.once('close', watch.end);
        else watch.end();
        return handshake.identity;
      } catch (error) {
        watch.end();
        throw error;
      }
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
    if (!handshake || this.#connections.has(socket.conn)) {
      handshake?.watch.end();
      socket.disconnect(true);
      return;
    }
    const { dispatcher } = this;
    const { db, logger, rights } = this.#options;
    const { identity, watch } = handshake;
    // From here on the session is found when its rights change. What has changed since they were read, shows now.
    watch.end();
    socket.conn.off('close', watch.end);
    if (rights.refuses(identity) || watch.hasChanged(identity)) {
      farewell(socket, rights.refuses(identity) ? 'ORG_FORBIDDEN' : 'RIGHTS_CHANGED');
      return;
    }
    const denies = rights.denies.bind(rights);
    const session = new Session({ socket, ...handshake, source: { db, dispatcher }, denies, logger });
    this.#sessions.set(socket.id, session);
    this.#connections.add(socket.conn);

    let cancelExpiry = watchExpiry(session);
    socket.on('disconnect', () => {
      cancelExpiry();
      session.end();
      this.#sessions.delete(socket.id);
      this.#connections.delete(socket.conn);
    });
    serveRequests({
      session,
      rights,
      epoch: () => dispatcher.epoch,
      onIdentity: () => {
        cancelExpiry();
        cancelExpiry = watchExpiry(session);
      },
      logger,
    });
    session.revoke();
    void session.follow(handshake.cursor);
  }

  /** At its position in the log: all before it has been delivered here, nothing after it. */
  #act(control: ControlEvent): void {
    const { rights } = this.#options;
    const { userId, organizationId } = rights.act(control);
    for (const session of this.#sessions.values()) {
      const { identity } = session;
      if (identity.userId !== userId || identity.organizationId !== organizationId) continue;
      if (control.type === membershipChangedType) session.close('RIGHTS_CHANGED');
      else this.#enforce(session);
    }
  }

  #enforce(session: Session): void {
    if (this.#options.rights.refuses(session.identity)) {
      session.socket.emit('revoked', {});
      session.close('ORG_FORBIDDEN');
    } else session.revoke();
  }

  #deliver({ rooms, entries, position, bytes }: Batch): void {
    const events = entries.map(({ event }) => event);
    const cursor = formatCursor({ epoch: this.dispatcher.epoch, position });
    this.#options.io.local.to(rooms).emit('events', events, cursor);
    this.#checkpoints.delivered(rooms, position);
    this.#volume += bytes;
    if (this.#volume >= volumeBytes) this.#checkOutflow();
  }

  #checkOutflow(): void {
    this.#volume = 0;
    for (const session of this.#sessions.values()) session.checkOutflow();
  }

  async #join(socket: Socket, subscription: Subscription): Promise<void> {
    const session = this.#sessionOf(socket);
    if (!(await mayHave(session, this.#options.rights.authorize, subscription)))
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
