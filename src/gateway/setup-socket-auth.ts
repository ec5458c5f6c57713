import type { Server, Socket } from 'socket.io';
import { CommitcastError, toPublicError } from '../core/errors.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import type { Subscription } from '../core/subscription.ts';
import { createAuthenticate, type ClaimedIdentity } from './authenticate.ts';
import { authorizeByLists, type Authorize } from './authorize.ts';
import { nowhere, Timetable, type Due } from './expiry.ts';
import { farewell } from './farewell.ts';
import { handshakeMiddleware } from './handshake-middleware.ts';
import type { Identity, Membership } from './identity.ts';
import { ClientLimits } from './limits.ts';
import { limitPackets } from './limits-packets.ts';
import { refuseRepeatedPolls } from './repeated-polls.ts';
import { roomOf } from './rooms.ts';
import { resolveSocketAuthLimits, type SocketAuthLimits } from './socket-auth-limits.ts';
import { SocketService, type EphemeralMessages } from './socket-service.ts';
import { clockToleranceSeconds, createTokenVerifier, type Claims, type TokenOptions } from './token.ts';

/** How tokens become identities; the same for the plugin and for an application's own Socket.IO server. */
export interface IdentityOptions {
  /** Exactly one of `secret`, `publicKey`, `jwksUrl`; unless `verifyAccessToken` is given. */
  jwt?: TokenOptions | undefined;
  /** Reads other claims than the default ones. */
  identify?: ((claims: Claims) => ClaimedIdentity) | undefined;
  /** Replaces the verification as a whole; throws for a token that it does not take. */
  verifyAccessToken?: ((token: string) => Promise<Identity>) | undefined;
  /** The user's org when the token names none. */
  getUserPrimaryOrganization?: ((userId: string) => Promise<Membership | null>) | undefined;
  /** The user's membership in the org that the handshake asks for. Default: the primary one, if it is that org. */
  getUserOrganization?: ((userId: string, organizationId: string) => Promise<Membership | null>) | undefined;
  /** Default: `authorizeByLists`. */
  authorize?: Authorize | undefined;
}

/** @throws {CommitcastError} `CONFIG_INVALID` when the key is missing, double or unusable */
export function createIdentityChecks(options: IdentityOptions) {
  const primary = options.getUserPrimaryOrganization ?? (() => Promise.resolve(null));
  const authenticate = createAuthenticate({
    verifyToken: options.verifyAccessToken
      ? () => Promise.reject(new CommitcastError('TOKEN_INVALID'))
      : createTokenVerifier(options.jwt ?? {}),
    identify: options.identify,
    verifyAccessToken: options.verifyAccessToken,
    getUserPrimaryOrganization: primary,
    getUserOrganization:
      options.getUserOrganization ??
      (async (userId, organizationId) => {
        const membership = await primary(userId);
        return membership?.organizationId === organizationId ? membership : null;
      }),
  });
  return { authenticate, authorize: options.authorize ?? authorizeByLists };
}

export interface SocketAuthOptions extends IdentityOptions, SocketAuthLimits {
  logger?: Logger;
}

/**
 * For an application with its own Socket.IO server: authenticates every handshake by JWT before the connection exists,
 * fills `socket.data` (`organizationId, userId, profileId, role, email`), joins the org's room, and ends the connection
 * when the token ends, or when it sends too much. Both look at the main namespace: a connection that joins only others
 * counts as not let in yet, and may send 500 packets a second. It delivers no events of the log: that is what the Fastify plugin is for.
 *
 * @throws {CommitcastError} `CONFIG_INVALID`
 *
 * @example
 * const sockets = setupSocketAuth(io, { jwt: { secret: process.env.JWT_SECRET } });
 * io.on('connection', async (socket) => { await sockets.joinSite(socket, 'harbour'); });
 */
export function setupSocketAuth<Messages extends EphemeralMessages = EphemeralMessages>(
  io: Server,
  { logger = silentLogger, ...options }: SocketAuthOptions,
): SocketService<Messages> {
  // It lets clients back in without asking for a token, and sends them what they missed before any middleware runs.
  if (recoversState(io))
    throw new CommitcastError(
      'CONFIG_INVALID',
      'connectionStateRecovery of Socket.IO skips authentication: leave it off',
    );
  const { authenticate, authorize } = createIdentityChecks(options);
  const clientLimits = new ClientLimits({ ...resolveSocketAuthLimits(options), logger });
  refuseRepeatedPolls(io);
  const sockets = new WeakMap<Socket['conn'], Socket>();
  const hasSocket = (connection: Socket['conn']) => sockets.has(connection);
  limitPackets(io, clientLimits.packetsPerSecond, hasSocket, (connection) => {
    clientLimits.refuse('packetsPerSecond', 0);
    const socket = sockets.get(connection);
    if (socket) farewell(socket, 'RATE_LIMITED');
    else connection.close(true);
  });
  const identities = new WeakMap<Socket, Identity>();
  const identityOf = (socket: Socket): Identity => {
    const identity = identities.get(socket);
    if (!identity) throw new CommitcastError('TOKEN_REQUIRED');
    return identity;
  };
  const roomFor = (socket: Socket, subscription: Subscription) =>
    roomOf(identityOf(socket).organizationId, subscription);

  io.use(
    handshakeMiddleware(async (socket) => {
      const auth = socket.handshake.auth as Record<string, unknown>;
      const guarded = clientLimits.guard({ authenticate, authorize }, socket.request);
      const identity = await guarded.authenticate(auth['token'], auth['org']);
      identities.set(socket, identity);
      return identity;
    }, logger),
  );
  const expiries = new Timetable<Due & { socket: Socket }>(({ socket }) => {
    farewell(socket, 'TOKEN_EXPIRED');
  });
  io.on('connection', (socket) => {
    // A listener of the application that was there before may have ended it: nobody would be told of that again.
    if (!socket.connected) return;
    const identity = identityOf(socket);
    try {
      // Others may have been let in at the same time.
      clientLimits.expectRoom(identity);
    } catch (error) {
      farewell(socket, toPublicError(error).code);
      return;
    }
    clientLimits.opened(identity);
    sockets.set(socket.conn, socket);
    void socket.join(roomFor(socket, {}));
    const expiry = { socket, dueAt: 0, place: nowhere };
    expiries.put(expiry, (identity.expiresAt + clockToleranceSeconds) * 1000);
    socket.on('disconnect', () => {
      expiries.remove(expiry);
      sockets.delete(socket.conn);
      clientLimits.closed(identity);
    });
  });
  return new SocketService<Messages>({
    io,
    join: async (socket, subscription) => {
      if (!(await authorize(identityOf(socket), subscription)))
        throw new CommitcastError('SUBSCRIPTION_DENIED');
      // Gone while `authorize` was asked: it sees nothing any more.
      if (!socket.connected) throw new CommitcastError('SUBSCRIPTION_DENIED', 'The socket has disconnected');
      await socket.join(roomFor(socket, subscription));
    },
    leave: async (socket, subscription) => {
      await socket.leave(roomFor(socket, subscription));
    },
  });
}

function recoversState(io: Server): boolean {
  const { opts } = io as unknown as { opts?: { connectionStateRecovery?: unknown } };
  return opts?.connectionStateRecovery !== undefined;
}
