import type { ServerResponse } from 'node:http';
import type { Server, Socket } from 'socket.io';
import type { Limits } from '../config/limits.ts';
import { CommitcastError, toPublicError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { Service } from '../core/service.ts';
import type { Subscription } from '../core/subscription.ts';
import type { Executor } from '../db/executor.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ClientSocket } from './client-socket.ts';
import { DeliveryCounts } from './delivery-counts.ts';
import { DispatchSpans } from './dispatch-spans.ts';
import { Dispatcher } from './dispatcher.ts';
import { FanOut } from './fan-out.ts';
import { farewell } from './farewell.ts';
import { readHandshake } from './handshake.ts';
import { handshakeMiddleware } from './handshake-middleware.ts';
import { letGoOfRequest } from './handshake-request.ts';
import { ClientLimits } from './limits.ts';
import { limitPackets } from './limits-packets.ts';
import { mayHave, refuseLeavingOrg, requestServer } from './requests.ts';
import { Refusals } from './refusals.ts';
import { ReplayPages } from './replay-pages.ts';
import type { Rights } from './rights.ts';
import type { SessionTally } from './session-tally.ts';
import type { Session } from './session.ts';
import { Sessions, type Accepted } from './sessions.ts';
import { SocketOutlet, type SocketOutletContext } from './socket-outlet.ts';
import { SocketService } from './socket-service.ts';
import { SseOutlet } from './sse-outlet.ts';
import { SseRooms } from './sse-rooms.ts';
import { TailPages } from './tail-pages.ts';
import { takesText } from './takes-text.ts';

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
  /** Default: `defaultLimits`. */
  limits?: Limits | undefined;
  proxyHops?: number | undefined;
  logger: Logger;
}

/** Sockets and streams, identity and subscriptions of one instance. */
export class Gateway implements Service {
  readonly dispatcher: Dispatcher;
  readonly socketService: SocketService;
  readonly limits: ClientLimits;
  readonly deliveries = new DeliveryCounts();
  readonly refusals = new Refusals();
  readonly #options: GatewayOptions;
  readonly #sessions: Sessions;
  readonly #streams: SseRooms;
  /** Two of them on one connection would give its client every event twice. */
  readonly #connections = new WeakMap<object, string>();
  readonly #handshakes = new WeakMap<Socket, Accepted>();
  readonly #serveRequests: (socket: ClientSocket) => void;
  readonly #checkpoints: Checkpoints;
  readonly #outlets: SocketOutletContext;
  #stopping = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { io, db, dispatchDb, rights, tailBytes, logger } = options;
    this.limits = new ClientLimits(options);
    this.#outlets = { takesText: takesText(io), logger };
    const pages = new ReplayPages({ db });
    const spans = new DispatchSpans();
    this.dispatcher = new Dispatcher({
      db: dispatchDb,
      tailBytes,
      logger,
      deliver: (batch) => {
        const sessions = fanOut.add(batch);
        this.deliveries.dispatched(batch, sessions);
        spans.add(batch, sessions);
        this.#checkpoints.delivered(batch.rooms, batch.position);
      },
      flush: () => {
        this.deliveries.written(fanOut.flush());
        spans.end();
      },
      enter: async (broken) => {
        pages.forget();
        await options.rights.load(options.db);
        this.#sessions.reconsider(broken);
      },
      onControl: (control) => {
        // What others asked for before may be about what is gone now.
        if (control.tombstone) pages.forget();
        this.#sessions.act(control);
      },
    });
    const source = { db, dispatcher: this.dispatcher, pages, tailPages: new TailPages() };
    this.#sessions = new Sessions({ rights, source, limits: this.limits, logger });
    this.#serveRequests = requestServer({
      sessionOf: (socket) => this.#sessionOf(socket),
      rights,
      limits: this.limits,
      epoch: () => this.dispatcher.epoch,
      onIdentity: (session) => {
        this.#sessions.renewExpiry(session);
      },
      onRefusal: (code) => {
        this.refusals.add('request', code);
      },
      logger,
    });
    this.#streams = new SseRooms((room) => {
      this.#checkpoints.forget(room);
    });
    const fanOut = new FanOut({
      members: [{ get: (room) => io.of('/').adapter.rooms.get(room) }, this.#streams],
      deliver: (id, messages) => this.#sessions.get(id)?.deliver(messages) ?? false,
      failed: (id, error) => {
        logger.error({ err: error }, 'a session could not be given its events; its connection is cut');
        this.#sessions.get(id)?.cut();
      },
      epoch: () => this.dispatcher.epoch,
    });
    this.#checkpoints = new Checkpoints({
      intervalMs: options.checkpointIntervalMs,
      position: () => this.dispatcher.position,
      sessions: () => this.#sessions,
      adapter: () => io.of('/').adapter,
      streams: this.#streams,
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

  /** All that this instance serves now, whatever they speak. */
  get sessions(): Iterable<Session> {
    return this.#sessions;
  }

  /** Of all sessions that there have been here. */
  get sessionTally(): SessionTally {
    return this.#sessions.tally;
  }

  async start(): Promise<void> {
    const { io, logger, rights } = this.#options;
    await this.dispatcher.start();
    await this.#checkpoints.start();
    await this.#streams.start();
    const accept = handshakeMiddleware(async (socket) => {
      const watch = rights.watch();
      try {
        const guarded = this.limits.guard(rights, socket.request);
        const handshake = await readHandshake(socket.handshake.auth, guarded, logger);
        this.#handshakes.set(socket, { ...handshake, watch });
        // A transport that goes before the session is opened is heard of nowhere else.
        if (socket.conn.readyState === 'open') socket.conn.once('close', watch.end);
        else watch.end();
        return handshake.identity;
      } catch (error) {
        watch.end();
        this.refusals.add('handshake', toPublicError(error).code);
        throw error;
      }
    }, logger);
    const isOpen = (connection: Socket['conn']) => this.#connections.has(connection);
    limitPackets(io, this.limits.packetsPerSecond, isOpen, (connection) => {
      this.limits.refuse('packetsPerSecond', 0);
      const session = this.#sessions.get(this.#connections.get(connection) ?? '');
      if (session) session.close('RATE_LIMITED');
      else connection.close(true);
    });
    io.use((socket, next) => {
      accept(socket, (error) => {
        if (this.#stopping) socket.conn.close();
        next(error);
      });
    });
    io.on('connection', (socket) => {
      this.#open(socket as ClientSocket);
    });
  }

  /** Tells every session that this instance stops, and where to go on. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#sessions.shutDown();
    await this.#streams.stop();
    await this.#checkpoints.stop();
    await this.dispatcher.stop();
  }

  /**
   * Makes a response, whose head is written by `begin`, the stream of a session.
   *
   * @throws {CommitcastError} before anything is written: `SHUTTING_DOWN`, `ORG_FORBIDDEN`, `RIGHTS_CHANGED`
   */
  openStream(handshake: Accepted, begin: () => ServerResponse): void {
    if (this.#stopping) throw new CommitcastError('SHUTTING_DOWN');
    this.#sessions.open(handshake, () => new SseOutlet(begin(), this.#streams));
  }

  #open(socket: ClientSocket): void {
    const handshake = this.#handshakes.get(socket);
    this.#handshakes.delete(socket);
    // An application's own listener of the connection may have ended it already: nobody would be told of that again.
    const isTaken = this.#sessions.get(this.#connections.get(socket.conn) ?? '') !== undefined;
    if (!handshake || !socket.connected || isTaken) {
      handshake?.watch.end();
      socket.disconnect(true);
      return;
    }
    socket.conn.off('close', handshake.watch.end);
    try {
      this.#sessions.open(handshake, () => new SocketOutlet(socket, this.#outlets));
    } catch (error) {
      const { code } = toPublicError(error);
      this.refusals.add('handshake', code);
      farewell(socket, code);
      return;
    }
    this.#connections.set(socket.conn, socket.id);
    this.#serveRequests(socket);
    letGoOfRequest(socket.conn);
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
